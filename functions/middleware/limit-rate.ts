import type { MiddlewareHandler } from "hono";
import { rowKeys } from "../../shared/rows.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-answers.ts";

/** Seconds. */
const window = 60;

/** So many requests a minute for each key; the headers (IETF draft "RateLimit header fields") say how many are left. */
export function limitRate({ table, clock, settings }: Edge): MiddlewareHandler<EdgeEnv> {
  return async (context, next) => {
    const seconds = clock.now() / 1000;
    const index = Math.floor(seconds / window);
    const wait = Math.ceil((index + 1) * window - seconds);
    const key = rowKeys.rate(context.get("key").id, index);
    const used = await table.add(key, 1, (index + 2) * window);
    const left = Math.max(0, settings.requestsPerMinute - used);
    context.header("RateLimit-Policy", `"default";q=${settings.requestsPerMinute};w=${window}`);
    context.header("RateLimit", `"default";r=${left};t=${wait}`);
    if (used > settings.requestsPerMinute) {
      context.header("Retry-After", String(wait));
      throw refuse(
        "rate_limited",
        `More than ${settings.requestsPerMinute} requests this minute; wait ${wait} s.`,
      );
    }
    await next();
  };
}
