/**
 * Loads the engine only when a command needs it. --help and usage errors stay fast, and input errors are
 * reported before a model is opened.
 */
import type { Pipeline, PipelineOptions } from "visii-engine";
import { type CaptionKind, deviceKinds, environmentFor } from "visii-engine/options";
import { defined } from "../shared/defined.ts";
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

/** Device kinds. `--device` also accepts cuda:n, the NVIDIA GPU with index n. */
export const devices = deviceKinds;

export const precisionHelp =
  "fp32; fp16: half the memory and faster on a GPU, slow emulation on a CPU; int8: on a CPU, about half the time for a large model, approximate";

export const captionKinds = ["pez", "phrase"] as const satisfies readonly CaptionKind[];

/** Minimum memory limit, so that the amount of free memory does not affect a small model's results. */
const minMemory = 2e9;

/** Opens the model, calls `use`, and always closes the model. */
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
  const note = (line: string) => progress.note(line);
  Object.assign(process.env, { ...environmentFor(device, precision), ...process.env });
  // The host's free memory limits only the CPU; other devices have their own memory.
  const allowed =
    memory ??
    (device === "cpu" ? Math.min(defaultMemory, Math.max(minMemory, availableMemory())) : undefined);
  const pipeline = await openPipeline(modelFolder(model), {
    device,
    precision,
    ...defined({ threads, resolution }),
    note,
    ...(cache ? { cache: { ...cache, note } } : {}),
    ...defined({ memory: allowed }),
  });
  try {
    return await use(pipeline);
  } finally {
    await pipeline.dispose();
  }
}

export const loadEngine = () => import("visii-engine");
