/** Where graphs run: onnxruntime's execution providers by their names here. `cuda:1` is the second NVIDIA GPU. */
export const deviceKinds = ["cpu", "webgpu", "cuda"] as const;
export type DeviceKind = (typeof deviceKinds)[number];
export type Device = DeviceKind | `cuda:${number}`;

export function isDevice(text: string): text is Device {
  return (deviceKinds as readonly string[]).includes(text) || /^cuda:\d{1,3}$/.test(text);
}

export function kindOf(device: Device): DeviceKind {
  return device.startsWith("cuda:") ? "cuda" : (device as DeviceKind);
}

/** As onnxruntime is told. */
export function executionProvider(device: Device): string | { name: string; deviceId: number } {
  const kind = kindOf(device);
  return device === kind ? kind : { name: kind, deviceId: Number(device.slice(kind.length + 1)) };
}

/**
 * What the process's environment must say before the first session on a device, where the user has not said otherwise.
 *
 * onnxruntime lets NVIDIA's libraries round the operands of float32 products to TF32, 10 bits of fraction; its Node binding has
 * no option against it, so the libraries are told themselves. Float32 then means float32. Beside half precision TF32 stays: what
 * is left in float32 there needs its range, and its fraction is no shorter than half precision's.
 */
export function environmentFor(device: Device, precision: "fp32" | "fp16"): Readonly<Record<string, string>> {
  return kindOf(device) === "cuda" && precision === "fp32" ? { NVIDIA_TF32_OVERRIDE: "0" } : {};
}
