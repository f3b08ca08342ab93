import type { MiddlewareHandler } from "hono";
import type { EdgeEnv } from "../edge.ts";

/** Methods that other origins may use, and response headers that they may read. */
const methods = ["GET", "POST", "PATCH", "DELETE"];
const exposed = [
  ...["Location", "Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy"],
  ...["Preference-Applied", "Idempotency-Replayed", "Allow", "Visii-Version"],
];
const seconds = 24 * 3600;

/**
 * CORS for any origin: keys are sent in a header, never in a cookie. The headers are set before the response
 * exists, because Hono's own middleware builds every response twice.
 */
export const allowOrigins: MiddlewareHandler<EdgeEnv> = async (context, next) => {
  context.header("Access-Control-Allow-Origin", "*");
  context.header("Access-Control-Expose-Headers", exposed.join(","));
  if (context.req.method !== "OPTIONS") return next();
  context.header("Access-Control-Max-Age", String(seconds));
  context.header("Access-Control-Allow-Methods", methods.join(","));
  const wanted = context.req.header("Access-Control-Request-Headers");
  if (wanted !== undefined) context.header("Access-Control-Allow-Headers", wanted);
  context.header("Vary", "Access-Control-Request-Headers");
  return context.body(null, 204);
};
