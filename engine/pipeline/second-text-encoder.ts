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
 * Stable Diffusion XL's second text encoder (transformers CLIPTextModelWithProjection). Its next-to-last states stand beside
 * the first encoder's, column by column, and its projected state at the end of the text is the text as one vector.
 */
export interface SecondTextEncoder {
  readonly config: ClipTextWithProjectionConfig;
  readonly component: Component;
  readonly tokenizer: ClipTokenizer;
}

/**
 * `text_encoder_2/config.json` of a model folder whose UNet wants it.
 *
 * @throws VisibleError `model_file_missing`, or `mismatched_checkpoint` where UNet and encoders do not belong together
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
        `${folder} has a text_encoder_2, but its UNet takes no pooled text (addition_embed_type is ${unet.addition_embed_type ?? "absent"}); ` +
          "the two are of different models.",
      );
    return undefined;
  }
  await requireClipText(join(folder, "text_encoder_2"));
  const config = await readConfig(file, clipTextWithProjectionConfigSchema);
  const { pooled } = addedWidth(unet);
  if (pooled !== config.projection_dim)
    throw new VisibleError(
      "mismatched_checkpoint",
      `${folder}: the UNet takes pooled text of width ${pooled}, text_encoder_2 gives ${config.projection_dim}.`,
    );
  return config;
}

/**
 * `text_encoder_2/` and `tokenizer_2/`, whose token ids are those of the first tokenizer: position by position the two encoders
 * read the same text. Only the padding may differ, as it does in Stable Diffusion XL.
 *
 * @throws VisibleError `mismatched_checkpoint` for two vocabularies
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
  return { config, component, tokenizer };
}

function isPresent(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
