import type { MiddlewareHandler } from "hono";
import { createId } from "../../shared/ids.ts";
import { continueTrace, traceFacts } from "../../shared/trace.ts";
import { apiVersion } from "../describe-api.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { loggedPath } from "../problem-responses.ts";

/**
 * Assigns a request ID, continues the caller's trace (`traceparent`), sets both as response headers and logs
 * the request.
 */
export function identifyRequest({ clock, random, log }: Edge): MiddlewareHandler<EdgeEnv> {
  return async (context, next) => {
    const started = clock.now();
    const requestId = createId("request", started, random(10));
    context.set("requestId", requestId);
    context.set("trace", continueTrace(context.req.header("traceparent"), random));
    context.set("newId", (kind) => createId(kind, clock.now(), random(10)));
    context.set("resumed", false);
    // Set before the response exists, because setting them later would rebuild each response.
    context.header("Request-Id", requestId);
    context.header("Visii-Version", apiVersion);
    context.header("X-Content-Type-Options", "nosniff");
    await next();
    log.info("request", {
      request_id: requestId,
      ...traceFacts(context.get("trace")),
      method: context.req.method,
      path: loggedPath(context.req.path),
      status: context.res.status,
      milliseconds: clock.now() - started,
    });
  };
}
