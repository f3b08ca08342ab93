import { InternalError, RetryableError, VisibleError } from "../errors.ts";
import type { Device } from "./device.ts";

/** Out-of-memory messages of onnxruntime and drivers. */
const outOfMemory =
  // The last one is WebGPU's message when it uses a buffer that could not be allocated.
  /out of memory|allocate memory|bad[ _]alloc|OUT_OF_DEVICE_MEMORY|OutOfMemory|\[Invalid Buffer.*due to a previous error/i;

/** WebGPU's message for a value that exceeds the adapter's limit. */
const tooLarge =
  /exceeds the max buffer size|Too many storage buffers|maxStorageBufferBindingSize|narrowing_error/i;

/**
 * Classifies the failure of a run: out of memory or beyond a device limit (VisibleError), a lost or failed
 * device (RetryableError) or, on the CPU, a bug (InternalError).
 */
export function explainRunFailure(graph: string, device: Device, cause: unknown): Error {
  const reason = (cause instanceof Error ? cause.message : String(cause)).split("\n")[0]!;
  if (outOfMemory.test(reason))
    return new VisibleError(
      "not_enough_memory",
      `${device === "cpu" ? "This machine" : `Device ${device}`} is out of memory (${graph}); ` +
        "use a smaller image size, or close other programs.",
      { cause },
    );
  if (device === "webgpu" && tooLarge.test(reason))
    return new VisibleError(
      "not_enough_memory",
      `Device ${device} does not support values as large as this image size needs (${graph}: ${reason}); ` +
        "use a smaller size, or another --device.",
      { cause },
    );
  if (device === "cpu") return new InternalError(`graph ${graph} failed: ${reason}`, { cause });
  return new RetryableError(`Device ${device} failed during a run (${graph}: ${reason}).`, {
    cause,
  });
}
