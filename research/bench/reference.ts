import type { Guidance } from "../../engine/pipeline/guidance.ts";
import { runPython } from "./python.ts";

interface ReferenceTask {
  readonly unet: string;
  readonly inputs: string;
  readonly outputs: string;
  readonly threads: number;
  readonly timestep: number;
  readonly guidance: Guidance;
  /** Number of timed steps, after one warm-up step. */
  readonly repeats: number;
}

export interface ReferenceStep {
  /** Median. */
  readonly seconds: number;
  /** Peak memory of the process. */
  readonly peakBytes: number;
}

/** The same step in PyTorch, or the reason why it could not run. */
export function runReferenceStep(task: ReferenceTask): Promise<ReferenceStep | string> {
  const { unet, inputs, outputs, threads, timestep, guidance, repeats } = task;
  const options = [unet, inputs, outputs, threads, timestep, guidance.text, guidance.image, repeats];
  return runPython("reference_step.py", options.map(String));
}
