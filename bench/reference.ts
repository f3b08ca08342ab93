import type { Guidance } from "../gpu-worker/pipeline/guidance.ts";
import { runPython } from "./python.ts";

export interface ReferenceTask {
  readonly unet: string;
  readonly inputs: string;
  readonly outputs: string;
  readonly threads: number;
  readonly timestep: number;
  readonly guidance: Guidance;
}

/** The same step in PyTorch, or the reason why not. */
export function runReferenceStep(task: ReferenceTask): Promise<{ seconds: number } | string> {
  const { unet, inputs, outputs, threads, timestep, guidance } = task;
  const options = [unet, inputs, outputs, threads, timestep, guidance.text, guidance.image].map(String);
  return runPython("reference_step.py", options);
}
