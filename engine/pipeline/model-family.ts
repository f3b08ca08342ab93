import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { VisibleError } from "../errors.ts";
import { parseConfig, readJson } from "../networks/parse-config.ts";

/** Families with another network than InstructPix2Pix's, by prefix of the pipeline class. */
const otherFamilies: readonly (readonly [prefix: string, family: string])[] = [
  ["StableDiffusion3", "Stable Diffusion 3"],
  ["StableCascade", "Stable Cascade"],
  ["Flux2", "Flux 2"],
  ["Flux", "Flux"],
  ["PixArt", "PixArt"],
  ["HunyuanDiT", "Hunyuan-DiT"],
  ["HunyuanVideo", "HunyuanVideo"],
  ["QwenImage", "Qwen-Image"],
  ["Sana", "Sana"],
  ["Wan", "Wan"],
  ["LTX", "LTX-Video"],
  ["Kandinsky", "Kandinsky"],
  ["Kolors", "Kolors"],
  ["IF", "DeepFloyd IF"],
  ["Marigold", "Marigold"],
  ["AnimateDiff", "AnimateDiff"],
];

/** Families with the same network but without an image condition. They are rejected by their channels. */
const withoutImage: readonly (readonly [prefix: string, family: string])[] = [
  ["StableDiffusionXL", "Stable Diffusion XL"],
  ["LatentConsistency", "a latent consistency model"],
  ["StableDiffusion", "Stable Diffusion without an image condition"],
];

const supported =
  "visii supports InstructPix2Pix (StableDiffusionInstructPix2PixPipeline, StableDiffusionXLInstructPix2PixPipeline) and its fine-tunes; " +
  "see docs/models.md";

const classNameSchema = z.object({ _class_name: z.string().optional() });

/** `_class_name` of a custom pipeline is [module, class]; a component is [library, class]. */
const indexSchema = z.looseObject({
  _class_name: z
    .union([z.string(), z.tuple([z.string(), z.string()]).transform(([, name]) => name)])
    .optional(),
});
const componentSchema = z.tuple([z.string(), z.string()]);

/** Keys of Stable Diffusion XL's `model_index.json`, with diffusers' defaults. */
const xlIndexSchema = z.object({
  force_zeros_for_empty_prompt: z.boolean().default(true),
  is_cosxl_edit: z.boolean().default(false),
});

/**
 * Rejects a model of an unsupported family by its `model_index.json` alone: by the pipeline's name, and by
 * the classes of UNet and text encoder. A model with another pipeline class but supported components is
 * accepted, because fine-tunes are published under various names.
 *
 * @param subject the model, for messages
 * @throws VisibleError `unsupported_family`
 */
export function requireFamily(index: unknown, subject: string): void {
  const parsed = indexSchema.safeParse(index);
  if (!parsed.success) return;
  const { _class_name: name, ...entries } = parsed.data;
  const family = familyOf(name, otherFamilies);
  if (family) throw unsupported(subject, `${family} (${name})`);
  const components = new Map(
    Object.entries(entries).flatMap(([key, entry]) => {
      const { data } = componentSchema.safeParse(entry);
      return data ? [[key, data[1]] as const] : [];
    }),
  );
  if (components.size === 0) return;
  const described = `a ${name ?? "model"}`;
  if (components.get("unet") !== "UNet2DConditionModel")
    throw unsupported(subject, `${described} without a UNet2DConditionModel`);
  const text = components.get("text_encoder");
  if (!text?.startsWith("CLIPText"))
    throw unsupported(
      subject,
      `${described} ${text ? `whose text encoder is ${text}` : "without a text encoder"}`,
    );
}

/**
 * Rejects the folder of a model of an unsupported family, before its configs are checked key by key.
 *
 * @throws VisibleError `unsupported_family`, `model_file_missing`, `invalid_config`
 */
export async function requireKnownFamily(folder: string): Promise<void> {
  await refuseSingleFile(folder);
  const index = await readJson(join(folder, "model_index.json"));
  requireFamily(index, folder);
  const name = indexSchema.safeParse(index).data?._class_name;
  if (name?.includes("InstructPix2Pix")) return;
  const family = familyOf(name, withoutImage);
  const unet = await classNameIn(join(folder, "unet", "config.json")).catch(() => "nothing");
  // A UNet of the supported class is checked by its channels and keys, which are more reliable than the
  // index.
  if (unet === "UNet2DConditionModel") return;
  if (unet === undefined && name === undefined) return;
  throw unsupported(folder, family ? `${family} (${name})` : `a ${name ?? unet}`);
}

/** A prefix is a whole word of the class name: `Wan` is in WanPipeline, not in WandPipeline. */
const familyOf = (name: string | undefined, families: typeof otherFamilies): string | undefined =>
  families.find(([prefix]) => name?.startsWith(prefix) && !/^[a-z]/.test(name.slice(prefix.length)))?.[1];

const unsupported = (subject: string, description: string) =>
  new VisibleError("unsupported_family", `${subject} is ${description}; ${supported}.`);

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
