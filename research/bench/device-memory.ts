import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Device, kindOf } from "../../engine/runtime/device.ts";

const run = promisify(execFile);

/**
 * The most memory that an NVIDIA GPU had in use while `work` ran, less what it had before: asked of nvidia-smi some times a second.
 * Everything counts that uses the GPU meanwhile, the driver's own context of some hundred MB too.
 *
 * @returns bytes, or nothing where there is no such GPU to ask
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
