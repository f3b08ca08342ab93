import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const jemalloc = [
  "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
  "/usr/lib/aarch64-linux-gnu/libjemalloc.so.2",
];

/**
 * Runs a script of `bench/reference/` with a Python that has torch, diffusers and safetensors
 * (`VISII_PYTHON`, else `python3`) and parses the JSON on its last line. Returns the reason as text if that
 * fails.
 */
export async function runPython<Answer>(
  script: string,
  options: readonly string[],
): Promise<Answer | string> {
  const environment = process.env;
  const python = environment.VISII_PYTHON ?? "python3";
  const preload = jemalloc.find((path) => existsSync(path));
  const path = fileURLToPath(new URL(`./reference/${script}`, import.meta.url));
  try {
    const env = { ...environment, ...(preload ? { LD_PRELOAD: preload } : {}) };
    const { stdout } = await run(python, [path, ...options], { env, maxBuffer: 2 ** 24 });
    return JSON.parse(stdout.trim().split("\n").at(-1)!) as Answer;
  } catch (error) {
    const last = String((error as { stderr?: string }).stderr ?? error)
      .trim()
      .split("\n")
      .at(-1);
    return `not run: ${last} (set VISII_PYTHON to a Python with torch, diffusers and safetensors)`;
  }
}
