import { mkdir, readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { VisibleError } from "../../engine/errors.ts";
import { ensureWritableFolder, writeAtomically } from "../../engine/files/write-atomically.ts";
import { requireRoom } from "../../engine/model-store/disk-room.ts";
import { streamSafetensors } from "../../engine/weights/safetensors-file.ts";
import { instructPix2Pix, tinyInstructPix2Pix } from "./instruct-pix2pix-layout.ts";
import type { TensorSpec } from "./list-tensors.ts";
import type { ModelLayout } from "./model-layout.ts";
import { randomTensor } from "./random-tensor.ts";
import { sdxlInstructPix2Pix, tinySdxlInstructPix2Pix } from "./sdxl-instruct-pix2pix-layout.ts";
import { syntheticTokenizer } from "./synthetic-tokenizer.ts";

/** Models whose architecture is defined here without their weights. */
export const layouts = {
  "instruct-pix2pix": instructPix2Pix,
  "sdxl-instruct-pix2pix": sdxlInstructPix2Pix,
  "tiny-instruct-pix2pix": tinyInstructPix2Pix,
  "tiny-sdxl-instruct-pix2pix": tinySdxlInstructPix2Pix,
} as const satisfies Readonly<Record<string, () => ModelLayout>>;

export type LayoutName = keyof typeof layouts;

interface RandomModelOptions {
  readonly like: LayoutName;
  readonly seed: number;
  /** Weights in half precision, in files with diffusers' names for that variant. */
  readonly variant?: "fp16";
  readonly signal?: AbortSignal;
  readonly onProgress?: (state: {
    readonly file: string;
    readonly bytes: number;
    readonly total: number;
  }) => void;
}

interface WrittenModel {
  readonly parameters: number;
  readonly bytes: number;
}

/**
 * Writes a model folder in diffusers layout: the files, configs, tensor names, shapes and types of a
 * published model, with seeded random weights. Holds one chunk of a tensor in memory. An incomplete folder is
 * deleted.
 *
 * @param folder must not exist or be empty
 * @throws VisibleError `folder_not_empty`, `disk_full`, `not_writable`
 */
export async function writeRandomModel(folder: string, options: RandomModelOptions): Promise<WrittenModel> {
  const layout = layouts[options.like]();
  const half = options.variant === "fp16";
  const parts = layout.components.map((component) => {
    const tensors = component.tensors();
    return { ...component, tensors, bytes: bytesOf(tensors, half) };
  });
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const created = await takeEmptyFolder(folder);
  try {
    await requireRoom(resolve(folder), total);
    let before = 0;
    for (const { folder: name, weights, configs, label, tensors, bytes } of parts) {
      await mkdir(join(folder, name));
      await writeAll(join(folder, name), mapValues(configs, showJson));
      const file = `${name}/${weights}${half ? ".fp16" : ""}.safetensors`;
      await streamSafetensors(
        join(folder, file),
        tensors.map((spec) => randomTensor(spec, { seed: options.seed, label, half })),
        { format: "pt" },
        (written) => {
          options.signal?.throwIfAborted();
          options.onProgress?.({ file, bytes: Math.min(total, before + written), total });
        },
      );
      before += bytes;
    }
    for (const { folder: name, vocabularySize, maxLength, padToken } of layout.tokenizers) {
      await mkdir(join(folder, name));
      await writeAll(join(folder, name), syntheticTokenizer(vocabularySize, maxLength, padToken));
    }
    await mkdir(join(folder, "scheduler"));
    await writeAtomically(join(folder, "scheduler", "scheduler_config.json"), showJson(layout.scheduler));
    if (layout.defaults !== undefined)
      await writeAtomically(join(folder, "visii.json"), showJson(layout.defaults));
    await writeAtomically(join(folder, "model_index.json"), showJson(layout.index));
  } catch (error) {
    await clear(folder, created);
    throw error;
  }
  const parameters = parts
    .flatMap(({ tensors }) => tensors)
    .reduce((sum, { shape, kind }) => sum + (kind === "float" ? countOf(shape) : 0), 0);
  return { parameters, bytes: total };
}

/** @returns whether the folder was created */
async function takeEmptyFolder(folder: string): Promise<boolean> {
  const present = await readdir(folder).catch(() => undefined);
  if (present && present.length > 0)
    throw new VisibleError(
      "folder_not_empty",
      `${folder} is not empty; give a new folder to avoid overwriting files.`,
    );
  await ensureWritableFolder(folder);
  return present === undefined;
}

async function clear(folder: string, created: boolean): Promise<void> {
  if (created) await rm(folder, { recursive: true, force: true });
  else
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}

async function writeAll(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeAtomically(join(folder, name), text);
}

function bytesOf(tensors: readonly TensorSpec[], half: boolean): number {
  const width = { float: half ? 2 : 4, position_ids: 8 };
  return tensors.reduce((sum, { shape, kind }) => sum + countOf(shape) * width[kind], 0);
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function mapValues(
  values: Readonly<Record<string, unknown>>,
  show: (value: unknown) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, show(value)]));
}

function showJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
