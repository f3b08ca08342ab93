import type { Problem } from "./resources.ts";

export interface ClientOptions {
  /** Base URL of the API: `https://api.example.com` or `http://127.0.0.1:8787`. */
  readonly baseUrl: string;
  readonly key: string;
  /** Default: the platform's fetch. */
  readonly fetch?: typeof fetch;
  /**
   * Number of retries of safe requests (reads, updates, deletions, cancellations, and creations with an
   * idempotency key) after connection errors and status 502, 503 or 504. Default: 3.
   */
  readonly retries?: number;
}

export interface CallOptions {
  /** A repeated key and body return the first response, which makes a creation safe to retry. */
  readonly idempotencyKey?: string;
  /** Seconds to wait for the job to end; the service caps them. */
  readonly wait?: number;
  /** Time after which the job is canceled automatically: `90s`, `15m`, `2h`. */
  readonly cancelAfter?: string;
  readonly signal?: AbortSignal;
}

/** An error response of the service. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly problem: Problem;
  /** Seconds to wait before a retry, if the service sent them. */
  readonly retryAfter: number | undefined;

  constructor(problem: Problem, retryAfter: number | undefined) {
    super(`${problem.code}: ${problem.detail} (request ${problem.request_id})`);
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

export type Send = <Result>(
  method: string,
  path: string,
  body?: unknown,
  options?: CallOptions,
) => Promise<Result>;

/** Sends requests with the API key. An error response throws an ApiError. */
export function createSend(options: ClientOptions): Send {
  const { baseUrl, key, retries = 3 } = options;
  return async <Result>(
    method: string,
    path: string,
    body?: unknown,
    { idempotencyKey, wait, cancelAfter, signal }: CallOptions = {},
  ): Promise<Result> => {
    const request: RequestInit = {
      method,
      headers: {
        Authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(idempotencyKey === undefined ? {} : { "Idempotency-Key": idempotencyKey }),
        ...(wait === undefined ? {} : { Prefer: `wait=${wait}` }),
        ...(cancelAfter === undefined ? {} : { "Cancel-After": cancelAfter }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    };
    const repeatable = method !== "POST" || idempotencyKey !== undefined || sameAgain.test(path);
    const response = await sendRepeatedly(options, new URL(path, baseUrl), request, repeatable ? retries : 0);
    if (!response.ok) throw await toError(response);
    // The service's types are checked at compile time; the client does not validate them again.
    return (response.status === 204 ? undefined : await response.json()) as Result;
  };
}

/** Downloads from a URL that redirects to storage. The API key is sent only to the service. */
export async function download(
  options: ClientOptions,
  path: string,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const { baseUrl, key, fetch: send = fetch, retries = 3 } = options;
  const asked = { headers: { Authorization: `Bearer ${key}` }, ...(signal ? { signal } : {}) };
  const response = await sendRepeatedly(
    options,
    new URL(path, baseUrl),
    { ...asked, redirect: "manual" },
    retries,
  );
  // A browser hides the target of a redirect, but follows it without the key.
  if (response.type === "opaqueredirect") return bytesOf(await send(new URL(path, baseUrl), asked));
  const link = response.headers.get("location");
  if (link === null) throw await toError(response);
  return bytesOf(await send(link, signal ? { signal } : {}));
}

async function bytesOf(file: Response): Promise<Uint8Array<ArrayBuffer>> {
  if (!file.ok) throw await toError(file);
  return new Uint8Array(await file.arrayBuffer());
}

/** Requests that are idempotent without a key. */
const sameAgain = /\/(complete|cancel|pause|resume)$/;

const passing = new Set([502, 503, 504]);

export async function sendRepeatedly(
  { fetch: send = fetch }: ClientOptions,
  url: URL,
  request: RequestInit,
  retries: number,
): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    let wait = 500 * 2 ** attempt;
    try {
      const response = await send(url, request);
      if (!passing.has(response.status) || attempt >= retries) return response;
      wait = Math.max(wait, 1000 * Math.min(30, Number(response.headers.get("retry-after") ?? 0)));
      await response.body?.cancel();
    } catch (error) {
      if (request.signal?.aborted || attempt >= retries) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
    request.signal?.throwIfAborted();
  }
}

export async function toError(response: Response): Promise<ApiError> {
  const text = await response.text();
  const retry = response.headers.get("retry-after");
  const isProblem = response.headers.get("content-type")?.startsWith("application/problem+json");
  const problem: Problem = isProblem
    ? JSON.parse(text)
    : {
        type: "about:blank",
        title: response.statusText,
        status: response.status,
        code: "unexpected_answer",
        detail: text.slice(0, 200),
        request_id: "",
      };
  return new ApiError(problem, retry === null ? undefined : Number(retry));
}
