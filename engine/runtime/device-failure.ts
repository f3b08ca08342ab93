import { type Device, type DeviceKind, kindOf } from "./device.ts";

/**
 * onnxruntime's error messages for an unavailable device, with their meaning and, if it differs from the
 * device's default, a remedy.
 */
const meanings: readonly (readonly [pattern: RegExp, meaning: string, remedy?: string])[] = [
  [/Failed to get a WebGPU adapter/i, "no GPU with WebGPU support found"],
  [
    /Providers?_?Cuda.*Failed to load shared library/i,
    "onnxruntime's CUDA libraries are missing or failed to load",
  ],
  [
    /requires f16 but the device does not support it/i,
    "the GPU or driver does not support half precision in WebGPU (shader-f16)",
    "Use --precision fp32.",
  ],
  [/invalid device ordinal/i, "no GPU has this index (nvidia-smi lists them, from 0)"],
];

/** What each kind of device requires. */
const remedies: Readonly<Record<DeviceKind, string>> = {
  cpu: "",
  webgpu: "It needs a GPU with a Vulkan, Metal or Direct3D 12 driver.",
  cuda:
    "It needs an NVIDIA GPU with its driver, CUDA and cuDNN 9, and onnxruntime's own CUDA libraries (Linux on x64), which " +
    "`ONNXRUNTIME_NODE_INSTALL=true node node_modules/onnxruntime-node/script/install` installs.",
};

/** Explains why a device is unavailable, with a remedy: `no GPU with WebGPU support found. It needs …`. */
export function explainDeviceFailure(device: Device, cause: unknown): string {
  const line = (cause instanceof Error ? cause.message : String(cause)).split("\n")[0]!;
  // Remove the library's source location and the driver's machine name from the message.
  const driver = /CUDA failure \d+: [^;]*[^; .]/.exec(line)?.[0];
  const reported = driver ?? line.replace(/^.* was false\. /, "").replace(/\.$/, "");
  const [, meaning = reported, remedy = remedies[kindOf(device)]] =
    meanings.find(([pattern]) => pattern.test(reported)) ?? [];
  return `${meaning}. ${remedy}`.trimEnd();
}
