import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const binding = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
const provider = join(binding, "bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so");

/**
 * Why CUDA cannot be tested on this machine; undefined if it can. Distinguishes a driver without the
 * provider's file.
 */
export const whyNoCuda: string | undefined = !existsSync("/proc/driver/nvidia/version")
  ? "this machine has no NVIDIA driver"
  : !existsSync(provider)
    ? "onnxruntime's CUDA libraries are not beside its binding (node_modules/onnxruntime-node/script/install brings them)"
    : undefined;
