import { type Device, kindOf } from "./device.ts";
import { queryNvidiaSmi } from "./nvidia-smi.ts";

/** Share of a GPU's free memory that a model may use; drivers and libraries need the rest. */
const share = 0.9;

/**
 * Memory limit for a model on an NVIDIA GPU, from the free memory that nvidia-smi reports. Undefined for
 * other devices, and if nvidia-smi is missing or reports nothing.
 */
export async function availableDeviceMemory(device: Device): Promise<number | undefined> {
  if (kindOf(device) !== "cuda") return undefined;
  const mebibytes = Number((await queryNvidiaSmi(device, "memory.free")) || Number.NaN);
  return mebibytes > 0 ? Math.floor(share * mebibytes * 2 ** 20) : undefined;
}
