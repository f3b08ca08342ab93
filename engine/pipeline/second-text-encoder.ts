import { access } from "node:fs/promises";
import { join } from "node:path";
import { VisibleError } from "../errors.ts";
import {
  type ClipTextConfig,
  type ClipTextWithProjectionConfig,
  clipTextWithProjectionConfigSchema,
} from "../networks/clip-config.ts";
import { readConfig } from "../networks/parse-config.ts";
import { addedWidth } from "../networks/unet-2d-condition.ts";
import type { UnetConfig } from "../networks/unet-2d-condition-config.ts";
import { type ClipTokenizer, loadClipTokenizer } from "../tokenizers/clip-tokenizer.ts";
import { Component } from "./component.ts";
import { requireClipText } from "./model-family.ts";

/**
 * Stable Diffusion XL's second text encoder (transformers CLIPTextModelWithProjection). Its next-to-last
 * states are concatenated with the first encoder's, and its projected state at EOS is the pooled text.
 */
export interface SecondTextEncoder {
  readonly config: ClipTextWithProjectionConfig;
  readonly component: Component;
  readonly tokenizer: ClipTokenizer;
}

/**
 * Reads `text_encoder_2/config.json` if the UNet requires it.
 *
 * @throws VisibleError `model_file_missing`, or `mismatched_checkpoint` if UNet and encoders do not match
 */
export async function readSecondTextConfig(
  folder: string,
  unet: UnetConfig,
): Promise<ClipTextWithProjectionConfig | undefined> {
  const file = join(folder, "text_encoder_2", "config.json");
  if (unet.addition_embed_type !== "text_time") {
    if (await isPresent(file))
      throw new VisibleError(
        "mismatched_checkpoint",
        `${folder} has a text_encoder_2, but its UNet does not use pooled text (addition_embed_type is ${unet.addition_embed_type ?? "absent"}); ` +
          "use components of one model.",
      );
    return undefined;
  }
  await requireClipText(join(folder, "text_encoder_2"));
  const config = await readConfig(file, clipTextWithProjectionConfigSchema);
  const { pooled } = addedWidth(unet);
  if (pooled !== config.projection_dim)
    throw new VisibleError(
      "mismatched_checkpoint",
      `${folder}: the UNet expects pooled text of width ${pooled}, but text_encoder_2 has ${config.projection_dim}.`,
    );
  return config;
}

/**
 * Opens `text_encoder_2/` and `tokenizer_2/`. Both tokenizers must give the same token ids, except for
 * padding, which differs in Stable Diffusion XL.
 *
 * @throws VisibleError `mismatched_checkpoint` for different vocabularies
 */
export async function openSecondTextEncoder(
  folder: string,
  config: ClipTextWithProjectionConfig,
  first: { readonly config: ClipTextConfig; readonly tokenizer: ClipTokenizer },
): Promise<SecondTextEncoder> {
  const component = await Component.open(join(folder, "text_encoder_2"), "model");
  const tokenizer = await loadClipTokenizer(join(folder, "tokenizer_2"));
  for (const property of ["maxLength", "vocabularySize", "bosId", "eosId"] as const)
    if (tokenizer[property] !== first.tokenizer[property])
      throw new VisibleError(
        "mismatched_checkpoint",
        `${folder}: tokenizer and tokenizer_2 differ in ${property} (${first.tokenizer[property]} and ${tokenizer[property]}); ` +
          "the two text encoders must read the same tokens.",
      );
  if (config.eos_token_id !== 2 && config.eos_token_id !== tokenizer.eosId)
    throw new VisibleError(
      "mismatched_checkpoint",
      `${folder}: text_encoder_2 reads the pooled text at token ${config.eos_token_id} (eos_token_id), but texts end with token ${tokenizer.eosId}; ` +
        "use the tokenizer of this text encoder.",
    );
  return { config, component, tokenizer };
}

function isPresent(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
