import { RetryableError, VisibleError } from "../../shared/errors.ts";
import type { TaskFailure } from "./protocol.ts";

/** An error for the parent process. Internal details are only for the log. */
export function toFailure(error: unknown): TaskFailure {
  if (error instanceof VisibleError) return { kind: "visible", code: error.code, message: error.message };
  const message = error instanceof RetryableError ? error.message : "the computation failed";
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { kind: "broken", code: "internal", message, stack };
}

/** The error, in the parent process. */
export function fromFailure({ kind, code, message, stack }: TaskFailure): Error {
  if (kind === "visible") return new VisibleError(code, message);
  return new RetryableError(message, stack === undefined ? {} : { cause: new Error(stack) });
}
