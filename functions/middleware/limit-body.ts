import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-answers.ts";

/** Bytes of a JSON body; pictures go to the store, not through here. */
const largest = 1024 * 1024;

const tooLarge = () => {
  throw refuse("too_large", `A body has at most ${largest} bytes; send larger pictures as uploads.`);
};
const counted = bodyLimit({ maxSize: largest, onError: tooLarge });

/**
 * Judges a body by its announced length, to which HTTP holds the sender, and counts one that comes without. Asking for the body as
 * a stream to see whether there is one costs more than all the rest of the middleware.
 */
export const limitBody: MiddlewareHandler<EdgeEnv> = (context, next) => {
  const { method } = context.req;
  if (method === "GET" || method === "HEAD") return next();
  const announced = context.req.header("Content-Length");
  if (announced === undefined || context.req.header("Transfer-Encoding") !== undefined)
    return counted(context, next);
  return Number(announced) <= largest ? next() : tooLarge();
};
