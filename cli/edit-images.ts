import { VisibleError } from "visii-engine/errors";
import { decodeImage, fitMask, openPhoto, type ReadableFormat, writeImage } from "visii-engine/images";
import { defined } from "../shared/defined.ts";
import type { Context } from "./context.ts";
import { editProgress } from "./edit-progress.ts";
import { type EditOptions, type Instruction, loadEngine, type Mixing, type Pipeline } from "./engine.ts";
import { modelSize } from "./image-size.ts";
import { requireHostMemory } from "./machine-memory.ts";
import { type InputFile, outputPaths } from "./output-paths.ts";
import type { SamplingOptions } from "./sampling-options.ts";

export interface EditResult {
  readonly input: string;
  readonly output: string;
  readonly seconds: number;
}

export interface PlannedEdit {
  readonly input: string;
  readonly format: ReadableFormat;
  /** One path for each variation. */
  readonly outputs: readonly string[];
}

/**
 * Checks every photo and the output folder before any work starts, so that an error in the last photo is
 * reported first. Throws their VisibleErrors.
 */
export async function planEdits(
  { folders }: Context,
  images: readonly string[],
  { out, count, noise, mask }: SamplingOptions,
): Promise<readonly PlannedEdit[]> {
  if (count > 1 && noise === "fixed")
    throw new VisibleError(
      "invalid_option",
      "--count above 1 with --noise fixed gives identical results; use --noise fresh.",
    );
  const inputs: InputFile[] = [];
  const masking = mask === undefined ? undefined : (await decodeImage(mask)).image;
  for (const path of images) {
    const { format, image } = await decodeImage(path);
    if (masking) fitMask(masking, image, { mask: mask!, photo: path });
    inputs.push({ path, format });
  }
  await folders.ensure(out);
  return outputPaths(inputs, out, count).map((outputs, index) => {
    const { path: input, format } = inputs[index]!;
    return { input, format, outputs };
  });
}

interface EditImagesOptions extends SamplingOptions {
  readonly mixing?: Mixing;
}

function editOptions(options: EditImagesOptions, variation: number): EditOptions {
  const { steps, scheduler, textGuidance, imageGuidance, guidanceInterval } = options;
  const { negative, strength, seed, count, mixing } = options;
  const noise = options.noise ?? (count > 1 ? "fresh" : undefined);
  return {
    seed,
    variation,
    ...defined({ steps, scheduler, textGuidance, imageGuidance, guidanceInterval }),
    ...defined({ negative, strength, noise, mixing }),
  };
}

/**
 * Edits the photos in order and writes each result when it is done. Results written before Ctrl-C are kept.
 */
export async function editImages(
  { progress, signal }: Context,
  pipeline: Pipeline,
  plan: readonly PlannedEdit[],
  prompt: { readonly instruction?: Instruction; readonly text?: string },
  options: EditImagesOptions,
): Promise<EditResult[]> {
  const { edit } = await loadEngine();
  const results: EditResult[] = [];
  const total = plan.reduce((sum, { outputs }) => sum + outputs.length, 0);
  const nextEdit = editProgress(progress, "editing", total);
  const size = modelSize(pipeline, options.size);
  for (const { input, outputs } of plan) {
    const photo = await openPhoto(
      input,
      size,
      input,
      defined({ mask: options.mask, colorProfile: options.colorProfile }),
    );
    await requireHostMemory(pipeline, "edit", photo.image);
    for (const [variation, output] of outputs.entries()) {
      signal.throwIfAborted();
      const started = performance.now();
      const chosen = { ...editOptions(options, variation), ...defined({ detail: options.detail }) };
      const hooks = { signal, onEvent: nextEdit() };
      const { image, ...file } = await edit(pipeline, photo, prompt, chosen, hooks);
      await writeImage(output, image, { ...file, metadataMode: options.metadata });
      results.push({ input, output, seconds: Number(((performance.now() - started) / 1000).toFixed(3)) });
    }
  }
  progress.clear();
  return results;
}

/** Prints one JSON object, or a line for each result. */
export function printResults(
  context: Context,
  results: readonly EditResult[],
  { json, seed }: SamplingOptions,
): void {
  if (json) context.print(JSON.stringify({ results, seed }));
  else for (const { output, seconds } of results) context.print(`${output}  (${seconds.toFixed(1)} s)`);
}
