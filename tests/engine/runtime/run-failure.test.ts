import { expect, it } from "vitest";
import { explainRunFailure } from "../../../engine/runtime/run-failure.ts";
import { InternalError, RetryableError, VisibleError } from "../../../shared/errors.ts";

it.each([
  "CUDA failure 2: out of memory ; GPU=0",
  "Failed to allocate memory for requested buffer of size 17179869184",
  "VK_ERROR_OUT_OF_DEVICE_MEMORY",
  "std::bad_alloc",
  "WebGPU validation failed. [Invalid Buffer (unlabeled)] is invalid due to a previous error.",
])("exhausted memory (%s) is a visible error", (reason) => {
  const error = explainRunFailure("unet", "cuda", new Error(reason));
  expect(error).toBeInstanceOf(VisibleError);
  expect(error.message).toMatch(/^Device cuda is out of memory \(unet\)/);
});

it.each([
  ["webgpu", "A valid external Instance reference no longer exists: Device is lost"],
  ["cuda", "CUDA failure 719: unspecified launch failure"],
] as const)("a lost %s device is a retryable error", (device, reason) => {
  const error = explainRunFailure("inversion_loss", device, new Error(`${reason}\nat frame 7`));
  expect(error).toBeInstanceOf(RetryableError);
  expect(error.message).toBe(`Device ${device} failed during a run (inversion_loss: ${reason}).`);
});

it("a value above the device's limit is a visible error, not a retryable one", () => {
  const reason = "Buffer size (4294967296) exceeds the max buffer size limit (1073741824).";
  const error = explainRunFailure("unet", "webgpu", new Error(reason));
  expect(error).toBeInstanceOf(VisibleError);
  expect(error.message).toMatch(/^Device webgpu does not support values as large as this image size needs/);
});

it("any other failure on the CPU is an internal error", () => {
  expect(explainRunFailure("unet", "cpu", "Non-zero status code")).toBeInstanceOf(InternalError);
});
