import { access } from "node:fs/promises";
import { join } from "node:path";
import { VisibleError } from "../errors.ts";
import { type PairEncoderConfig, pairEncoderConfigSchema } from "../networks/pair-encoder.ts";
import { readConfig } from "../networks/parse-config.ts";
import { Component } from "./component.ts";

/**
 * `pair_encoder/` of a model folder. It computes the rows of an instruction from a before/after pair in one
 * pass.
 */
export interface PairEncoderModel {
  readonly config: PairEncoderConfig;
  readonly component: Component;
}

/** What a pair encoder must match. */
interface TextFacts {
  /** The model's init text, whose rows 1 … n the encoder replaces. */
  readonly init: string;
  /** n: number of tokens of the init. */
  readonly tokens: number;
  /** Width of the text embedding. */
  readonly width: number;
  /** Both sides of an image are a multiple of this many pixels. */
  readonly sizeMultiple: number;
}

/** Its config, if the model folder has one. */
export async function readPairEncoderConfig(folder: string): Promise<PairEncoderConfig | undefined> {
  const file = join(folder, "config.json");
  const present = await access(file).then(
    () => true,
    () => false,
  );
  return present ? readConfig(file, pairEncoderConfigSchema) : undefined;
}

/**
 * Opens it, if the model folder has one.
 *
 * @throws VisibleError `mismatched_checkpoint`, which names the mismatch with the rest of the model
 */
export async function openPairEncoder(
  folder: string,
  { init, tokens, width, sizeMultiple }: TextFacts,
): Promise<PairEncoderModel | undefined> {
  const config = await readPairEncoderConfig(folder);
  if (!config) return undefined;
  const refuse = (why: string) => new VisibleError("mismatched_checkpoint", `${folder}: ${why}.`);
  const { num_tokens, cross_attention_dim, patch_size } = config;
  if (cross_attention_dim !== width)
    throw refuse(`its rows have width ${cross_attention_dim}, but the text encoder's have ${width}`);
  if (num_tokens !== tokens)
    throw refuse(
      `it has ${num_tokens} tokens, but the init "${init}" has ${tokens}; set an init of ${num_tokens} tokens in visii.json`,
    );
  if (sizeMultiple % patch_size)
    throw refuse(
      `its patch_size ${patch_size} does not divide ${sizeMultiple}, the size multiple of the model's images`,
    );
  return { config, component: await Component.open(folder, "model") };
}
