import type { Guidance } from "../../engine/pipeline/guidance.ts";
import { runPython } from "./python.ts";

/** Of PyTorch's weights and arithmetic. */
export const referenceDtypes = ["float32", "bfloat16"] as const;
type ReferenceDtype = (typeof referenceDtypes)[number];

interface ReferenceTask {
  readonly unet: string;
  readonly inputs: string;
  readonly outputs: string;
  readonly threads: number;
  readonly timestep: number;
  readonly guidance: Guidance;
  /** Number of timed steps, after one warm-up step. */
  readonly repeats: number;
  /** Default: float32. */
  readonly dtype?: ReferenceDtype;
}

export interface ReferenceStep {
  /** Median. */
  readonly seconds: number;
  /** Peak memory of the process. */
  readonly peakBytes: number;
}

/** The same step in PyTorch, or the reason why it could not run. */
export function runReferenceStep(task: ReferenceTask): Promise<ReferenceStep | string> {
  const { unet, inputs, outputs, threads, timestep, guidance, repeats, dtype = "float32" } = task;
  const options = [unet, inputs, outputs, threads, timestep, guidance.text, guidance.image, repeats, dtype];
  return runPython("reference_step.py", options.map(String));
}
