import { type Problem, problemContentType, problemSchema } from "../shared/problem.ts";

export interface ClientOptions {
  /** Where the API is: `https://api.example.com` or `http://127.0.0.1:8787`. */
  readonly baseUrl: string;
  readonly key: string;
  /** The platform's when absent. */
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  /** Same key and body, same answer: makes a create safe to repeat. */
  readonly idempotencyKey?: string;
  /** Seconds to wait for the end of the job; the service caps it. */
  readonly wait?: number;
  /** The job cancels itself after this: `90s`, `15m`, `2h`. */
  readonly cancelAfter?: string;
  readonly signal?: AbortSignal;
}

/** The service said no: its problem says why. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly problem: Problem;
  /** Seconds to wait before another try, when the service says so. */
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

/** Sends requests with the key; an answer that is no success becomes an ApiError. */
export function createSend({ baseUrl, key, fetch: send = fetch }: ClientOptions): Send {
  return async <Result>(
    method: string,
    path: string,
    body?: unknown,
    options: CallOptions = {},
  ): Promise<Result> => {
    const { idempotencyKey, wait, cancelAfter, signal } = options;
    const response = await send(new URL(path, baseUrl), {
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
    });
    if (!response.ok) throw await toError(response);
    // The service validates its answers' types at compile time; here they are taken at its word.
    return (response.status === 204 ? undefined : await response.json()) as Result;
  };
}

async function toError(response: Response): Promise<ApiError> {
  const text = await response.text();
  const retry = response.headers.get("retry-after");
  const isProblem = response.headers.get("content-type")?.startsWith(problemContentType) ?? false;
  const problem = isProblem
    ? problemSchema.parse(JSON.parse(text))
    : {
        ...{
          type: "about:blank",
          title: response.statusText,
          status: response.status,
          code: "unexpected_answer",
        },
        ...{ detail: text.slice(0, 200), request_id: "" },
      };
  return new ApiError(problem, retry === null ? undefined : Number(retry));
}
