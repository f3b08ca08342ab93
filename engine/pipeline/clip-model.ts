import { access } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type ClipConfig, clipConfigSchema } from "../networks/clip-config.ts";
import { readConfig } from "../networks/parse-config.ts";
import { Component } from "./component.ts";

const triple = z.tuple([z.number(), z.number(), z.number()]);

/** The keys of `preprocessor_config.json` for CLIP's pixel normalization. */
const preprocessorSchema = z.object({
  image_mean: triple.default([0.48145466, 0.4578275, 0.40821073]),
  image_std: triple.default([0.26862954, 0.26130258, 0.27577711]),
});

/** A CLIP with both towers in a shared space, for the direction loss and the metrics. */
export interface ClipModel {
  readonly config: ClipConfig;
  readonly component: Component;
  /** Mean and standard deviation per color channel, for pixels in [0, 1]. */
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

/** `clip/config.json` of a model folder, if it has one. */
export async function readClipConfig(folder: string): Promise<ClipConfig | undefined> {
  const present = await access(join(folder, "config.json")).then(
    () => true,
    () => false,
  );
  return present ? readConfig(join(folder, "config.json"), clipConfigSchema) : undefined;
}

/** The model folder's `clip/`, if it has one. */
export async function openClip(folder: string): Promise<ClipModel | undefined> {
  const config = await readClipConfig(folder);
  if (!config) return undefined;
  const preprocessor = await readConfig(join(folder, "preprocessor_config.json"), preprocessorSchema);
  const component = await Component.open(folder, "model");
  return { config, component, mean: preprocessor.image_mean, deviation: preprocessor.image_std };
}
