/** Names of onnxruntime's execution providers. `cuda:1` is the second NVIDIA GPU. */
export const deviceKinds = ["cpu", "webgpu", "cuda"] as const;
export type DeviceKind = (typeof deviceKinds)[number];
export type Device = DeviceKind | `cuda:${number}`;

export function isDevice(text: string): text is Device {
  return (deviceKinds as readonly string[]).includes(text) || /^cuda:\d{1,3}$/.test(text);
}

export function kindOf(device: Device): DeviceKind {
  return device.startsWith("cuda:") ? "cuda" : (device as DeviceKind);
}

/** The execution provider in onnxruntime's terms. */
export function executionProvider(device: Device): string | { name: string; deviceId: number } {
  const kind = kindOf(device);
  return device === kind ? kind : { name: kind, deviceId: Number(device.slice(kind.length + 1)) };
}

/**
 * Environment variables that must be set before the first session on a device, unless the user has set them.
 *
 * onnxruntime lets NVIDIA's libraries round operands of float32 products to TF32 (10 fraction bits), and its
 * Node binding has no option to disable this. The variable disables it for float32 runs. For half precision
 * TF32 stays enabled: float32 values there need the range, and TF32's fraction is no shorter than half
 * precision's.
 */
export function environmentFor(
  device: Device,
  precision: "fp32" | "fp16" | "int8",
): Readonly<Record<string, string>> {
  return kindOf(device) === "cuda" && precision !== "fp16" ? { NVIDIA_TF32_OVERRIDE: "0" } : {};
}
