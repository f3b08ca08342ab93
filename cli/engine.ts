/**
 * The engine, loaded when a command needs it and not before: --help and a mistyped option answer at once, and a mistake in the
 * input is told before any model is opened.
 */
import type { CaptionKind } from "../engine/captioning/caption-pair.ts";
import type { InstructionSpace } from "../engine/instruction/instruction.ts";
import type { Pipeline, PipelineOptions } from "../engine/pipeline/pipeline.ts";
import { deviceKinds, environmentFor } from "../engine/runtime/device.ts";
import { cacheOptions } from "./cache-location.ts";
import type { Context } from "./context.ts";
import { availableMemory } from "./machine-memory.ts";
import { modelFolder } from "./model-location.ts";

export type { CaptionKind } from "../engine/captioning/caption-pair.ts";
export type { EditOptions } from "../engine/editing/edit.ts";
export type { Instruction, InstructionSpace } from "../engine/instruction/instruction.ts";
export type { Pipeline } from "../engine/pipeline/pipeline.ts";
export type { Device, DeviceKind } from "../engine/runtime/device.ts";
export type { SchedulerKind } from "../engine/schedulers/scheduler.ts";

/** Kinds of device. `--device` also takes cuda:n, the n-th NVIDIA GPU, counted from 0. */
export const devices = deviceKinds;

export { type Precision, precisions } from "../engine/networks/precision.ts";
export { type Mixing, mixings } from "../engine/pipeline/mixing.ts";

export const precisionHelp =
  "fp32, or fp16: half the memory and more speed on a GPU; a CPU only imitates it, slowly";

export const captionKinds = ["pez", "phrase"] as const satisfies readonly CaptionKind[];

export const spaces = ["text", "kv"] as const satisfies readonly InstructionSpace[];

/** A small model is never made to save: how much is free at the moment must not decide how it computes. */
const leastMemory = 2e9;

/** Opens the model, runs `use`, and closes the model whatever happens. */
export async function withPipeline<Result>(
  { progress }: Context,
  {
    model,
    device,
    precision = "fp32",
    threads,
    resolution,
    memory,
  }: { readonly model: string } & PipelineOptions,
  use: (pipeline: Pipeline) => Promise<Result>,
): Promise<Result> {
  const { defaultMemory, openPipeline } = await import("../engine/pipeline/pipeline.ts");
  const cache = cacheOptions();
  Object.assign(process.env, { ...environmentFor(device, precision), ...process.env });
  // Other devices have memory of their own, which what is free here says nothing about.
  const free = device === "cpu" ? Math.max(leastMemory, availableMemory()) : defaultMemory;
  const pipeline = await openPipeline(modelFolder(model), {
    ...{ device, precision },
    ...(threads === undefined ? {} : { threads }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(cache ? { cache: { ...cache, note: (line: string) => progress.note(line) } } : {}),
    memory: memory ?? Math.min(defaultMemory, free),
  });
  try {
    return await use(pipeline);
  } finally {
    await pipeline.dispose();
  }
}

export const loadInvert = async () => (await import("../engine/inversion/invert.ts")).invert;
export const loadEdit = async () => (await import("../engine/editing/edit.ts")).edit;
export const loadInstructionFile = () => import("../engine/instruction/instruction-file.ts");
export const loadEmbedInstruction = () => import("../engine/instruction/embed-instruction.ts");
export const loadNearestWords = async () =>
  (await import("../engine/instruction/nearest-words.ts")).nearestWords;
export const loadCaptionPair = () => import("../engine/captioning/caption-pair.ts");
export const loadImageCaptioner = () => import("../engine/captioning/image-captioner.ts");
