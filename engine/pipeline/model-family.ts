import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { VisibleError } from "../errors.ts";
import { parseConfig, readJson } from "../networks/parse-config.ts";

/** Pipelines of unsupported families: prefix of the class name, and common name. */
const others: readonly (readonly [prefix: string, family: string])[] = [
  ["StableDiffusionXL", "Stable Diffusion XL"],
  ["StableDiffusion3", "Stable Diffusion 3"],
  ["Flux", "Flux"],
  ["Kandinsky", "Kandinsky"],
  ["PixArt", "PixArt"],
  ["HunyuanDiT", "Hunyuan-DiT"],
  ["QwenImage", "Qwen-Image"],
  ["LatentConsistency", "a latent consistency model"],
  ["StableDiffusion", "Stable Diffusion without an image condition"],
];

const supported =
  "visii supports InstructPix2Pix (StableDiffusionInstructPix2PixPipeline, StableDiffusionXLInstructPix2PixPipeline) and its fine-tunes; " +
  "see docs/models.md";

const classNameSchema = z.object({ _class_name: z.string().optional() });

/** Keys of Stable Diffusion XL's `model_index.json`, with diffusers' defaults. */
const xlIndexSchema = z.object({
  force_zeros_for_empty_prompt: z.boolean().default(true),
  is_cosxl_edit: z.boolean().default(false),
});

/**
 * Rejects a model of an unsupported family by name, before its configs are checked key by key. A model with
 * another pipeline class but supported components is accepted, because fine-tunes are published under various
 * names.
 *
 * @throws VisibleError `unsupported_family`, `model_file_missing`, `invalid_config`
 */
export async function requireKnownFamily(folder: string): Promise<void> {
  await refuseSingleFile(folder);
  const name = await classNameIn(join(folder, "model_index.json"));
  if (name?.includes("InstructPix2Pix")) return;
  const family = others.find(([prefix]) => name?.startsWith(prefix))?.[1];
  const unet = await classNameIn(join(folder, "unet", "config.json")).catch(() => "nothing");
  // A UNet of the supported class is checked by its channels and keys, which are more reliable than the
  // index.
  if (unet === "UNet2DConditionModel") return;
  if (unet === undefined && name === undefined) return;
  throw new VisibleError(
    "unsupported_family",
    `${folder} is ${family ? `${family} (${name})` : `a ${name ?? unet}`}; ${supported}.`,
  );
}

/**
 * Whether Stable Diffusion XL represents the empty text by zeros, which is diffusers' default.
 *
 * @throws VisibleError `unsupported_family` for CosXL Edit, whose noise schedule and scaled image condition
 * differ
 */
export async function readEmptyTextOfXl(folder: string): Promise<"zeros" | "encoded"> {
  const file = join(folder, "model_index.json");
  const index = parseConfig(await readJson(file), xlIndexSchema, file);
  if (index.is_cosxl_edit)
    throw new VisibleError("unsupported_family", `${folder} is CosXL Edit (is_cosxl_edit); ${supported}.`);
  return index.force_zeros_for_empty_prompt ? "zeros" : "encoded";
}

/** Rejects other kinds of text encoders (T5, Qwen, …), whose configs have none of CLIP's keys. */
export async function requireClipText(folder: string): Promise<void> {
  const file = join(folder, "config.json");
  const { data } = z.object({ model_type: z.string() }).safeParse(await readJson(file));
  if (data && !data.model_type.startsWith("clip"))
    throw new VisibleError(
      "unsupported_family",
      `${file}: the text encoder is ${data.model_type}, not CLIP; ${supported}.`,
    );
}

/** Rejects a checkpoint in a single file, which lacks the configs. */
async function refuseSingleFile(folder: string): Promise<void> {
  const names = await readdir(folder);
  const single = names.find((name) => /\.(ckpt|safetensors)$/.test(name));
  if (single === undefined || names.includes("model_index.json")) return;
  throw new VisibleError(
    "not_diffusers_layout",
    `${folder} has no model_index.json, only the single file ${single}; visii needs models in diffusers layout: ` +
      "convert it with diffusers first.",
  );
}

async function classNameIn(file: string): Promise<string | undefined> {
  return classNameSchema.safeParse(await readJson(file)).data?._class_name;
}
