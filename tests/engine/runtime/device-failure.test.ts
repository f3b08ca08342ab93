import { expect, it } from "vitest";
import { explainDeviceFailure } from "../../../engine/runtime/device-failure.ts";

it.each([
  [
    "webgpu",
    "/onnxruntime_src/webgpu_context.cc:136 Initialize() status == Success was false. Failed to get a WebGPU adapter: No supported adapters\n",
    /^no GPU with WebGPU support found\. It needs a GPU with a Vulkan/,
  ],
  [
    "cuda",
    "OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library",
    /^onnxruntime's CUDA libraries are missing or failed to load\. It needs an NVIDIA GPU/,
  ],
  [
    "cuda",
    "/src/cuda_call.cc:9 Call() rc == 0 was false. CUDA failure 35: driver too old.",
    /^CUDA failure 35: driver too old\. It/,
  ],
  [
    "cuda:3",
    "/src/cuda_call.cc:154 CudaCall(…) CUDA failure 101: invalid device ordinal ; GPU=0 ; hostname=h ; expr=cudaSetDevice(3)",
    /^no GPU has this index \(nvidia-smi lists them, from 0\)\. It needs an NVIDIA GPU/,
  ],
] as const)(
  "an unavailable %s is reported without the library's internal names",
  (device, said, explained) => {
    expect(explainDeviceFailure(device, new Error(said))).toMatch(explained);
  },
);
