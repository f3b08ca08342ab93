import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Guidance } from "../gpu-worker/pipeline/guidance.ts";

const run = promisify(execFile);
const script = fileURLToPath(new URL("./reference/reference_step.py", import.meta.url));
const jemalloc = [
  "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
  "/usr/lib/aarch64-linux-gnu/libjemalloc.so.2",
];

export interface ReferenceTask {
  readonly unet: string;
  readonly inputs: string;
  readonly outputs: string;
  readonly threads: number;
  readonly timestep: number;
  readonly guidance: Guidance;
}

/**
 * The same step in PyTorch, where a Python with torch, diffusers and safetensors is present (`VISII_PYTHON`, else
 * `python3`). Otherwise the reason why not, to be printed.
 */
export async function runReferenceStep(task: ReferenceTask): Promise<{ seconds: number } | string> {
  const environment = process.env;
  const python = environment.VISII_PYTHON ?? "python3";
  const preload = jemalloc.find((path) => existsSync(path));
  const { unet, inputs, outputs, threads, timestep, guidance } = task;
  const options = [unet, inputs, outputs, threads, timestep, guidance.text, guidance.image].map(String);
  try {
    const env = { ...environment, ...(preload ? { LD_PRELOAD: preload } : {}) };
    const { stdout } = await run(python, [script, ...options], { env });
    return JSON.parse(stdout.trim().split("\n").at(-1)!) as { seconds: number };
  } catch (error) {
    const last = String((error as { stderr?: string }).stderr ?? error)
      .trim()
      .split("\n")
      .at(-1);
    return `not run: ${last} (set VISII_PYTHON to a Python with torch, diffusers and safetensors)`;
  }
}
