import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { RetryableError, VisibleError } from "../shared/errors.ts";
import type { Log } from "../shared/ports/log.ts";
import {
  isProblemCode,
  type Problem,
  type ProblemCode,
  problemContentType,
  problems,
  problemType,
} from "../shared/problem.ts";
import { traceFacts } from "../shared/trace.ts";
import type { EdgeEnv } from "./edge.ts";

/** `Retry-After` in seconds when too many jobs are open. */
const jobRetry = 10;

/** Removes API keys and upload tokens from a path before it is logged. */
export const loggedPath = (path: string): string =>
  path.replace(/visii_(test|live|upload)_\w+/g, "visii_$1_…");

/** Creates a response of type application/problem+json. */
export function problemResponse(
  context: Context<EdgeEnv>,
  code: ProblemCode,
  detail: string,
  extra: Pick<Problem, "errors"> = {},
): Response {
  const [status, title] = problems[code];
  const problem: Problem = {
    type: problemType(code),
    title,
    status,
    code,
    detail,
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

/** Converts any error to a problem. Server errors are logged; no response contains a stack trace. */
export function errorResponse(context: Context<EdgeEnv>, error: Error, log: Log): Response {
  const trace = traceFacts(context.get("trace"));
  const facts = {
    request_id: context.get("requestId"),
    ...trace,
    method: context.req.method,
    path: loggedPath(context.req.path),
  };
  if (error instanceof VisibleError && isProblemCode(error.code))
    return problemResponse(context, error.code, error.message);
  if (error instanceof HTTPException && error.status === 415)
    return problemResponse(
      context,
      "not_json",
      "The body's content type is not JSON; send JSON with Content-Type: application/json.",
    );
  if (error instanceof HTTPException && error.status < 500)
    return problemResponse(context, error.status === 413 ? "too_large" : "invalid_json", error.message);
  if (error instanceof RetryableError) {
    log.error("a service is unreachable", { ...facts, error });
    context.header("Retry-After", "2");
    return problemResponse(
      context,
      "unavailable",
      "A required service did not respond; retry in a few seconds.",
    );
  }
  log.error("internal error", { ...facts, error });
  return problemResponse(
    context,
    "internal",
    `Internal error; contact support with the request ID ${facts.request_id}.`,
  );
}
