import { env } from "onnxruntime-node";
import { type Device, kindOf } from "./device.ts";
import { queryNvidiaSmi } from "./nvidia-smi.ts";

/**
 * Identifies a CUDA device's kernels by its model, its driver and onnxruntime's version. Undefined for other
 * devices, and if nvidia-smi is missing or reports nothing.
 */
export async function deviceIdentity(device: Device): Promise<string | undefined> {
  if (kindOf(device) !== "cuda") return undefined;
  const gpu = await queryNvidiaSmi(device, "name,driver_version");
  return gpu ? `${gpu}, onnxruntime ${env.versions.node}` : undefined;
}
