import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ErrorCode } from "../shared/error-codes.ts";
import { RetryableError, VisibleError } from "../shared/errors.ts";
import type { Log } from "../shared/ports/log.ts";
import {
  type Problem,
  type ProblemCode,
  problemContentType,
  problems,
  problemType,
} from "../shared/problem.ts";
import { traceFacts } from "../shared/trace.ts";
import type { EdgeEnv } from "./edge.ts";

/** Seconds after which a job of an account with many may have ended. */
const jobRetry = 10;

/** A path as it may be logged: who puts a key into an address must not find it in a log. */
export const loggedPath = (path: string): string => path.replace(/visii_(test|live)_\w+/g, "visii_$1_…");

/** An answer of application/problem+json. */
export function problemAnswer(
  context: Context<EdgeEnv>,
  code: ErrorCode,
  detail: string,
  extra: Pick<Problem, "errors"> = {},
): Response {
  const [status, title] = (problems as Readonly<Partial<Record<ErrorCode, readonly [number, string]>>>)[
    code
  ] ?? [400, "The request cannot be met"];
  const problem: Problem = {
    ...{ type: problemType(code), title, status, code, detail },
    request_id: context.get("requestId") ?? "",
    ...extra,
  };
  if (status === 401) context.header("WWW-Authenticate", "Bearer");
  if (code === "too_many_jobs") context.header("Retry-After", String(jobRetry));
  return context.body(JSON.stringify(problem), status as ContentfulStatusCode, {
    "Content-Type": problemContentType,
  });
}

/** For use in handlers: `throw refuse("not_found", "…")`. */
export const refuse = (code: ProblemCode, detail: string): VisibleError => new VisibleError(code, detail);

/** Every error, whatever it is, becomes a problem; only ours are logged, and none shows its stack. */
export function answerError(context: Context<EdgeEnv>, error: Error, log: Log): Response {
  const trace = traceFacts(context.get("trace"));
  const facts = {
    request_id: context.get("requestId"),
    ...trace,
    method: context.req.method,
    path: loggedPath(context.req.path),
  };
  if (error instanceof VisibleError) return problemAnswer(context, error.code, error.message);
  if (error instanceof HTTPException && error.status === 415)
    return problemAnswer(context, "not_json", "Send the body as JSON, with Content-Type: application/json.");
  if (error instanceof HTTPException && error.status < 500)
    return problemAnswer(context, error.status === 413 ? "too_large" : "invalid_json", error.message);
  if (error instanceof RetryableError) {
    log.error("a service is out of reach", { ...facts, error });
    context.header("Retry-After", "2");
    return problemAnswer(
      context,
      "unavailable",
      "A service behind this one did not answer; try again shortly.",
    );
  }
  log.error("a request broke", { ...facts, error });
  return problemAnswer(context, "internal", "This is our mistake and has been noted; quote the request id.");
}
