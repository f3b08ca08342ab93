/** What is thrown on purpose: by the engine, and by programs around it that want to be told apart the same way. */
export { type ErrorCode, errorCodes } from "../shared/error-codes.ts";
export { InternalError, RetryableError, VisibleError } from "../shared/errors.ts";
