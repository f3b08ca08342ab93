import { RetryableError, VisibleError } from "../../shared/errors.ts";
import { isApiErrorCode } from "../../shared/problem.ts";
import type { TaskFailure } from "./protocol.ts";

/**
 * An error for the parent process. Internal details are only for the log, and so are errors that the API does
 * not document, such as those of a model's files.
 */
export function toFailure(error: unknown): TaskFailure {
  if (error instanceof VisibleError && isApiErrorCode(error.code))
    return { kind: "visible", code: error.code, message: error.message };
  const message = error instanceof RetryableError ? error.message : "the computation failed";
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { kind: "broken", code: "internal", message, stack };
}

/** An error of the start or the warm-up, which the operator reads and no caller. */
export function toStartFailure(error: unknown): TaskFailure {
  const code = "internal";
  if (error instanceof VisibleError) return { kind: "visible", code, message: error.message };
  return { ...toFailure(error), message: String(error) };
}

/** The error, in the parent process. */
export function fromFailure({ kind, code, message, stack }: TaskFailure): Error {
  if (kind === "visible") return new VisibleError(code, message);
  return new RetryableError(message, stack === undefined ? {} : { cause: new Error(stack) });
}
