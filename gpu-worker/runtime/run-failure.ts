import { InternalError, RetryableError, VisibleError } from "../../shared/errors.ts";
import type { Device } from "./session.ts";

/** How onnxruntime and the drivers below it say that memory is used up. */
const outOfMemory = /out of memory|allocate memory|bad[ _]alloc|OUT_OF_DEVICE_MEMORY|OutOfMemory/i;

/**
 * Why a compiled graph failed in the midst of a run: memory used up (the user's to mend), a device that was lost or failed
 * (worth another attempt), or, on the CPU, a fault of ours.
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
  if (device === "cpu") return new InternalError(`graph ${graph} failed: ${reason}`, { cause });
  return new RetryableError(`The ${device} device failed in the midst of work (${graph}: ${reason}).`, {
    cause,
  });
}
