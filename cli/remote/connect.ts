import { ApiError, type Visii, visii } from "visii-client";
import { type ErrorCode, errorCodes, RetryableError, VisibleError } from "visii-engine/errors";
import type { ServerAddress } from "../server-options.ts";

/** Runs `use` on the service; what it refuses, and its silence, become sentences that name it. */
export async function withServer<Result>(
  { baseUrl, key }: ServerAddress,
  use: (api: Visii) => Promise<Result>,
): Promise<Result> {
  try {
    return await use(visii({ baseUrl, key, retries: 2 }));
  } catch (error) {
    if (error instanceof ApiError) throw refused(baseUrl, error);
    if (error instanceof TypeError && /fetch failed/.test(error.message))
      throw new RetryableError(`${baseUrl} does not answer (${reasonOf(error)}). Is the service running?`, {
        cause: error,
      });
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
    return new VisibleError(code, `${baseUrl} answered ${status} and does not seem to be a visii service.`);
  return new VisibleError(knownCode(code), `${baseUrl}: ${detail}${request}`);
}

/** A code that a service sent. A newer service may have codes that this program does not know. */
export const knownCode = (code: string): ErrorCode =>
  errorCodes.find((known) => known === code) ?? "unexpected_answer";

function reasonOf(error: TypeError): string {
  const { cause } = error;
  if (cause instanceof Error) return "code" in cause ? String(cause.code) : cause.message;
  return error.message;
}
