import { ApiError, type Visii, visii } from "visii-client";
import { type ErrorCode, errorCodes, RetryableError, VisibleError } from "visii-engine/errors";
import type { ServerAddress } from "../server-options.ts";

/**
 * Calls `use` with a client of the service. Errors of the service and of the network are rethrown with its
 * URL.
 */
export async function withServer<Result>(
  { baseUrl, key }: ServerAddress,
  use: (api: Visii) => Promise<Result>,
): Promise<Result> {
  try {
    return await use(visii({ baseUrl, key, retries: 2 }));
  } catch (error) {
    if (error instanceof ApiError) throw refused(baseUrl, error);
    if (error instanceof TypeError && /fetch failed/.test(error.message))
      throw new RetryableError(
        `${baseUrl} is not reachable (${reasonOf(error)}); check that the service is running.`,
        {
          cause: error,
        },
      );
    throw error;
  }
}

function refused(baseUrl: string, { problem, retryAfter, message }: ApiError): Error {
  const { code, detail, request_id, status } = problem;
  const request = request_id === "" ? "" : ` (request ${request_id})`;
  if (status >= 500 || status === 429) {
    const later = retryAfter === undefined ? "try again later" : `try again in ${retryAfter} s`;
    return new RetryableError(`${baseUrl}: ${detail} ${later}${request}`, { cause: message });
  }
  if (code === "unexpected_answer")
    return new VisibleError(
      code,
      `${baseUrl} returned status ${status} and is probably not a visii service; check --server.`,
    );
  return new VisibleError(knownCode(code), `${baseUrl}: ${detail}${request}`);
}

/** Returns a service's error code. A newer service may send codes that this version does not have. */
export const knownCode = (code: string): ErrorCode =>
  errorCodes.find((known) => known === code) ?? "unexpected_answer";

function reasonOf(error: TypeError): string {
  const { cause } = error;
  if (cause instanceof Error) return "code" in cause ? String(cause.code) : cause.message;
  return error.message;
}
