import { InternalError, RetryableError, VisibleError } from "../errors.ts";
import type { Device } from "./device.ts";

/** How onnxruntime and the drivers below it say that memory is used up. */
const outOfMemory =
  // The last is WebGPU's word for a buffer that could not be had: it tells when the buffer is used.
  /out of memory|allocate memory|bad[ _]alloc|OUT_OF_DEVICE_MEMORY|OutOfMemory|\[Invalid Buffer.*due to a previous error/i;

/** How WebGPU says that one value is larger than the adapter takes, however much memory is free. */
const tooLarge =
  /exceeds the max buffer size|Too many storage buffers|maxStorageBufferBindingSize|narrowing_error/i;

/**
 * Why a compiled graph failed in the midst of a run: memory used up or a limit of the device exceeded (the user's to mend), a
 * device that was lost or failed (worth another attempt), or, on the CPU, a fault of ours.
 */
export function explainRunFailure(graph: string, device: Device, cause: unknown): Error {
  const reason = (cause instanceof Error ? cause.message : String(cause)).split("\n")[0]!;
  if (outOfMemory.test(reason))
    return new VisibleError(
      "not_enough_memory",
      `The memory of ${device === "cpu" ? "this machine" : `the ${device} device`} is used up (${graph}); ` +
        "choose a smaller picture size, or close what else uses it.",
      { cause },
    );
  if (device === "webgpu" && tooLarge.test(reason))
    return new VisibleError(
      "not_enough_memory",
      `The ${device} device does not take values as large as this picture size asks for (${graph}: ${reason}); ` +
        "choose a smaller one, or another --device.",
      { cause },
    );
  if (device === "cpu") return new InternalError(`graph ${graph} failed: ${reason}`, { cause });
  return new RetryableError(`The ${device} device failed in the midst of work (${graph}: ${reason}).`, {
    cause,
  });
}
