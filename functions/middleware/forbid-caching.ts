import type { MiddlewareHandler } from "hono";

const forbidden = "private, no-store";

/**
 * What one key reads is nobody else's, and true only now: no router, proxy or browser keeps it, and none answers two callers
 * with it.
 */
export const forbidCaching: MiddlewareHandler = async (context, next) => {
  // Before there is an answer: afterwards each would be built anew. Only a stream of events gives another word itself.
  context.header("Cache-Control", forbidden);
  await next();
  if (context.res.headers.get("Cache-Control") !== forbidden) context.header("Cache-Control", forbidden);
};
