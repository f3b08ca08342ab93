/**
 * The engine, loaded when a command needs it and not before: --help and a mistyped option answer at once, and a mistake in the
 * input is told before any model is opened.
 */
import type { Pipeline, PipelineOptions } from "visii-engine";
import { type CaptionKind, deviceKinds, environmentFor } from "visii-engine/options";
import { cacheOptions } from "./cache-location.ts";
import type { Context } from "./context.ts";
import { availableMemory } from "./machine-memory.ts";
import { modelFolder } from "./model-location.ts";

export type {
  EditOptions,
  Instruction,
  InstructionSpace,
  Losses,
  Pipeline,
} from "visii-engine";
export {
  type CaptionKind,
  type Device,
  type DeviceKind,
  instructionSpaces as spaces,
  type Mixing,
  mixings,
  type Precision,
  precisions,
  type SchedulerKind,
  schedulerKinds,
} from "visii-engine/options";

/** Kinds of device. `--device` also takes cuda:n, the n-th NVIDIA GPU, counted from 0. */
export const devices = deviceKinds;

export const precisionHelp =
  "fp32, or fp16: half the memory and more speed on a GPU; a CPU only imitates it, slowly";

export const captionKinds = ["pez", "phrase"] as const satisfies readonly CaptionKind[];

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
  const { defaultMemory, openPipeline } = await loadEngine();
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

export const loadEngine = () => import("visii-engine");
