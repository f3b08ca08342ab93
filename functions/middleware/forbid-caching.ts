import type { MiddlewareHandler } from "hono";

/**
 * What one key reads is nobody else's, and true only now: no router, proxy or browser keeps it, and none answers two callers
 * with it.
 */
export const forbidCaching: MiddlewareHandler = async (context, next) => {
  await next();
  context.header("Cache-Control", "private, no-store");
};
