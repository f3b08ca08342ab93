import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Device, kindOf } from "./device.ts";

/** Of what is free on a GPU, what a model may take; the rest is for what the driver and the libraries take beside it. */
const share = 0.9;

/**
 * Bytes that a model may take on an NVIDIA GPU, by what nvidia-smi says is free. Undefined for other devices, and where nvidia-smi
 * is not there or does not know.
 */
export async function availableDeviceMemory(device: Device): Promise<number | undefined> {
  if (kindOf(device) !== "cuda") return undefined;
  const id = device.split(":")[1] ?? "0";
  const query = ["--query-gpu=memory.free", "--format=csv,noheader,nounits", `--id=${id}`];
  const said = await promisify(execFile)("nvidia-smi", query, { timeout: 10_000 }).catch(() => undefined);
  const mebibytes = Number(said?.stdout.trim() || Number.NaN);
  return mebibytes > 0 ? Math.floor(share * mebibytes * 2 ** 20) : undefined;
}
