import type { MiddlewareHandler } from "hono";
import type { EdgeEnv } from "../edge.ts";

/** That a page on another site may use, and headers that it may read. */
const methods = ["GET", "POST", "PATCH", "DELETE"];
const exposed = [
  ...["Location", "Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy"],
  ...["Preference-Applied", "Idempotency-Replayed", "Allow", "Visii-Version"],
];
const seconds = 24 * 3600;

/**
 * Any page may ask (CORS): keys come in a header, never in a cookie. The headers are given before there is an answer; Hono's own
 * middleware gives them in a way that has it build every answer twice.
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
