/**
 * The engine, loaded when a command needs it and not before: --help and a mistyped option answer at once, and a mistake in the
 * input is told before any model is opened.
 */
import type { CaptionKind } from "visii-engine/internal/captioning/caption-pair";
import type { InstructionSpace } from "visii-engine/internal/instruction/instruction";
import type { Pipeline, PipelineOptions } from "visii-engine/internal/pipeline/pipeline";
import { deviceKinds, environmentFor } from "visii-engine/internal/runtime/device";
import { cacheOptions } from "./cache-location.ts";
import type { Context } from "./context.ts";
import { availableMemory } from "./machine-memory.ts";
import { modelFolder } from "./model-location.ts";

export type { CaptionKind } from "visii-engine/internal/captioning/caption-pair";
export type { EditOptions } from "visii-engine/internal/editing/edit";
export type { Instruction, InstructionSpace, Losses } from "visii-engine/internal/instruction/instruction";
export type { Pipeline } from "visii-engine/internal/pipeline/pipeline";
export type { Device, DeviceKind } from "visii-engine/internal/runtime/device";

/** Kinds of device. `--device` also takes cuda:n, the n-th NVIDIA GPU, counted from 0. */
export const devices = deviceKinds;

export { type Precision, precisions } from "visii-engine/internal/networks/precision";
export { type Mixing, mixings } from "visii-engine/internal/pipeline/mixing";
export { type SchedulerKind, schedulerKinds } from "visii-engine/internal/schedulers/scheduler";

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
  const { defaultMemory, openPipeline } = await import("visii-engine/internal/pipeline/pipeline");
  const cache = cacheOptions();
  Object.assign(process.env, { ...environmentFor(device, precision), ...process.env });
  // Other devices have memory of their own, which what is free here says nothing about.
  const allowed =
    memory ??
    (device === "cpu" ? Math.min(defaultMemory, Math.max(leastMemory, availableMemory())) : undefined);
  const pipeline = await openPipeline(modelFolder(model), {
    ...{ device, precision },
    ...(threads === undefined ? {} : { threads }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(cache ? { cache: { ...cache, note: (line: string) => progress.note(line) } } : {}),
    ...(allowed === undefined ? {} : { memory: allowed }),
  });
  try {
    return await use(pipeline);
  } finally {
    await pipeline.dispose();
  }
}

export const loadLearn = async () => (await import("visii-engine/internal/learn")).learn;
export const loadEditPhoto = async () => (await import("visii-engine/internal/edit")).edit;
export const loadEdit = async () => (await import("visii-engine/internal/editing/edit")).edit;
export const loadInstructionFile = () => import("visii-engine/internal/instruction/instruction-file");
export const loadEmbedInstruction = () => import("visii-engine/internal/instruction/embed-instruction");
export const loadNearestWords = async () =>
  (await import("visii-engine/internal/instruction/nearest-words")).nearestWords;
export const loadCaptionPair = () => import("visii-engine/internal/captioning/caption-pair");
