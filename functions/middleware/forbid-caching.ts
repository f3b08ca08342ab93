import type { MiddlewareHandler } from "hono";

const forbidden = "private, no-store";

/**
 * Responses are private to a key and can change at any time, so no router, proxy or browser may cache them.
 */
export const forbidCaching: MiddlewareHandler = async (context, next) => {
  // Set before the response exists, because setting it later would rebuild each response. Event streams
  // overwrite it, so it is checked again.
  context.header("Cache-Control", forbidden);
  await next();
  if (context.res.headers.get("Cache-Control") !== forbidden) context.header("Cache-Control", forbidden);
};
