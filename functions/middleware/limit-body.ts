import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-responses.ts";

/** Maximum bytes of a JSON body. Images are uploaded directly to object storage. */
const largest = 1024 * 1024;

const tooLarge = () => {
  throw refuse("too_large", `The body has more than ${largest} bytes; send larger images as uploads.`);
};
const counted = bodyLimit({ maxSize: largest, onError: tooLarge });

/**
 * Checks Content-Length, which HTTP enforces, and counts the bytes of a body without one. Counting the bytes
 * of every body would cost more than all other middleware.
 */
export const limitBody: MiddlewareHandler<EdgeEnv> = (context, next) => {
  const { method } = context.req;
  if (method === "GET" || method === "HEAD") return next();
  const announced = context.req.header("Content-Length");
  if (announced === undefined || context.req.header("Transfer-Encoding") !== undefined)
    return counted(context, next);
  return Number(announced) <= largest ? next() : tooLarge();
};
