import { access } from "node:fs/promises";
import { join } from "node:path";
import { VisibleError } from "../errors.ts";
import { type PairEncoderConfig, pairEncoderConfigSchema } from "../networks/pair-encoder.ts";
import { readConfig } from "../networks/parse-config.ts";
import { Component } from "./component.ts";

/** `pair_encoder/` of a model folder: it writes the rows of an instruction from a before/after pair in one pass. */
export interface PairEncoderModel {
  readonly config: PairEncoderConfig;
  readonly component: Component;
}

/** What a pair encoder's rows have to suit. */
export interface TextFacts {
  /** The model's init text, whose rows 1 … n the encoder's replace. */
  readonly init: string;
  /** n: tokens of the init. */
  readonly tokens: number;
  /** Columns of the text embedding. */
  readonly width: number;
  /** Pixels of which both sides of an image are a multiple. */
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
 * @throws VisibleError `mismatched_checkpoint`, which names what does not suit the rest of the model
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
    throw refuse(`it writes rows of width ${cross_attention_dim}, the text encoder's are ${width} wide`);
  if (num_tokens !== tokens)
    throw refuse(
      `it writes ${num_tokens} tokens and the init "${init}" has ${tokens}; give visii.json an init of ${num_tokens} tokens`,
    );
  if (sizeMultiple % patch_size)
    throw refuse(
      `its patch_size ${patch_size} does not divide ${sizeMultiple}, of which the model's images are multiples`,
    );
  return { config, component: await Component.open(folder, "model") };
}
