import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Device } from "./device.ts";

/**
 * What nvidia-smi reports about a CUDA device, comma-separated without units; undefined if it is missing or fails.
 *
 * @param fields such as `memory.free`, comma-separated
 */
export async function queryNvidiaSmi(device: Device, fields: string): Promise<string | undefined> {
  const id = device.split(":")[1] ?? "0";
  const query = [`--query-gpu=${fields}`, "--format=csv,noheader,nounits", `--id=${id}`];
  const output = await promisify(execFile)("nvidia-smi", query, { timeout: 10_000 }).catch(() => undefined);
  return output?.stdout.trim();
}
