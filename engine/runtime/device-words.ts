import { type Device, type DeviceKind, kindOf } from "./device.ts";

/** onnxruntime's ways of saying that a device does not do, and what they mean; with a remedy where it is not the device's own. */
const meanings: readonly (readonly [said: RegExp, meant: string, remedy?: string])[] = [
  [/Failed to get a WebGPU adapter/i, "no GPU was found that WebGPU can use"],
  [
    /Providers?_?Cuda.*Failed to load shared library/i,
    "onnxruntime's CUDA libraries are not there, or do not load",
  ],
  [
    /requires f16 but the device does not support it/i,
    "its GPU or driver has no half precision for WebGPU (shader-f16)",
    "Choose --precision fp32.",
  ],
  [/invalid device ordinal/i, "there is no GPU of that number (nvidia-smi lists them, counted from 0)"],
];

/** What is missing where a device does not work, and how to come by it. */
const remedies: Readonly<Record<DeviceKind, string>> = {
  cpu: "",
  webgpu: "It needs a GPU with a Vulkan, Metal or Direct3D 12 driver.",
  cuda:
    "It needs an NVIDIA GPU with its driver, CUDA and cuDNN 9, and onnxruntime's own CUDA libraries (Linux on x64), which " +
    "`ONNXRUNTIME_NODE_INSTALL=true node node_modules/onnxruntime-node/script/install` fetches.",
};

/** Why a device could not be used, in a clause and a sentence: `no GPU was found that WebGPU can use. It needs …`. */
export function whyNotUsable(device: Device, cause: unknown): string {
  const line = (cause instanceof Error ? cause.message : String(cause)).split("\n")[0]!;
  // The library puts the place in its source before its own words, and the machine's name behind the driver's.
  const driver = /CUDA failure \d+: [^;]*[^; .]/.exec(line)?.[0];
  const said = driver ?? line.replace(/^.* was false\. /, "").replace(/\.$/, "");
  const [, meant = said, remedy = remedies[kindOf(device)]] =
    meanings.find(([pattern]) => pattern.test(said)) ?? [];
  return `${meant}. ${remedy}`.trimEnd();
}
