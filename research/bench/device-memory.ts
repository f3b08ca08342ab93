import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Device, kindOf } from "../../engine/runtime/device.ts";

const run = promisify(execFile);

/**
 * Peak memory of an NVIDIA GPU while `work` runs, minus the memory used before, by polling nvidia-smi. It
 * includes all users of the GPU and the driver's context of some hundred MB.
 *
 * @returns bytes, or undefined without an NVIDIA GPU
 */
export async function watchDeviceMemory<Result>(
  device: Device,
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly peakBytes?: number }> {
  const before = kindOf(device) === "cuda" ? await usedBytes(device) : undefined;
  if (before === undefined) return { result: await work() };
  let peak = before;
  let watching = true;
  const watch = (async () => {
    while (watching) {
      peak = Math.max(peak, (await usedBytes(device)) ?? 0);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  })();
  try {
    return { result: await work(), peakBytes: peak - before };
  } finally {
    watching = false;
    await watch;
  }
}

async function usedBytes(device: Device): Promise<number | undefined> {
  const id = device.split(":")[1] ?? "0";
  const query = ["--query-gpu=memory.used", "--format=csv,noheader,nounits", `--id=${id}`];
  try {
    const { stdout } = await run("nvidia-smi", query);
    const mebibytes = Number(stdout.trim());
    return Number.isFinite(mebibytes) ? mebibytes * 2 ** 20 : undefined;
  } catch {
    return undefined;
  }
}
