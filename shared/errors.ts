import type { ErrorCode } from "./error-codes.ts";

/**
 * The three kinds of failure. Everything thrown on purpose is one of them, so that a boundary (CLI, HTTP, queue) can
 * decide by kind and never by message.
 */

/** The caller's to mend: bad input, a missing file, an impossible option. `message` names the thing and the way out. */
export class VisibleError extends Error {
  override readonly name = "VisibleError";
  /** Stable, machine-readable, in snake_case: `unsupported_image`, `model_not_found`, … */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The world's: worth another attempt later (network, device busy, queue). */
export class RetryableError extends Error {
  override readonly name = "RetryableError";
}

/** A retryable error that the task itself may cause: the process that computed it died or stopped responding. */
export class ProcessKilled extends RetryableError {}

/** Ours: a broken invariant. The message says `internal:` and names the operator, the node and the shapes. */
export class InternalError extends Error {
  override readonly name = "InternalError";

  constructor(message: string, options?: ErrorOptions) {
    super(`internal: ${message}`, options);
  }
}
