/** The errors that the engine and the programs around it throw. */
export { type ErrorCode, errorCodes } from "../shared/error-codes.ts";
export { InternalError, RetryableError, VisibleError } from "../shared/errors.ts";
