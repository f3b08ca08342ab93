import { RetryableError } from "../errors.ts";

/** The name of an AWS error: `ConditionalCheckFailedException`, `NoSuchKey`, … */
export function failureName(error: unknown): string | undefined {
  return error instanceof Error ? error.name : undefined;
}

/** Calls a service and converts temporary failures to RetryableError, with the name of the call. */
export async function callService<Result>(what: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof Error && isTransient(cause))
      throw new RetryableError(`${what}: ${cause.name}`, { cause });
    throw cause;
  }
}

const transientNames = new Set([
  "ThrottlingException",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "RequestThrottled",
  "SlowDown",
  "ServiceUnavailable",
  "InternalServerError",
  "InternalError",
  "TimeoutError",
  "LimitExceededException",
]);

const transientCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "ENOTFOUND",
]);

function isTransient(error: Error): boolean {
  const code = "code" in error ? String(error.code) : "";
  return transientNames.has(error.name) || transientCodes.has(code) || statusOf(error) >= 500;
}

function statusOf(error: Error): number {
  const metadata = "$metadata" in error ? error.$metadata : undefined;
  return typeof metadata === "object" && metadata !== null && "httpStatusCode" in metadata
    ? Number(metadata.httpStatusCode)
    : 0;
}
