import type { ErrorCode } from "./error-codes.ts";

/** The three kinds of errors. Boundaries (CLI, HTTP, queue) decide by kind, never by message. */

/** An error that the caller can fix, such as invalid input. `message` says what is wrong and what to do. */
export class VisibleError extends Error {
  override readonly name = "VisibleError";
  /** Stable, machine-readable, in snake_case: `unsupported_image`, `model_not_found`, … */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A temporary error that may succeed later (network, busy device, queue). */
export class RetryableError extends Error {
  override readonly name = "RetryableError";
}

/** A retryable error that the task may have caused: its compute process crashed or stopped responding. */
export class ProcessKilled extends RetryableError {}

/**
 * A bug: a broken invariant. The message starts with `internal:` and contains the operator, node and shapes.
 */
export class InternalError extends Error {
  override readonly name = "InternalError";

  constructor(message: string, options?: ErrorOptions) {
    super(`internal: ${message}`, options);
  }
}
