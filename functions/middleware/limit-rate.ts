import type { MiddlewareHandler } from "hono";
import { LRUCache } from "lru-cache";
import { rowKeys } from "../../shared/rows.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-answers.ts";

/** Seconds. */
const window = 60;
/** Of a key's requests a minute, the part that one process takes at a time; the rest is for the others. */
const portion = 1 / 60;

/** What this process may let through in one minute without asking the table again. */
interface Allowance {
  readonly minute: number;
  left: number;
  /** Taken by all processes together, as far as this one knows. */
  taken: number;
  /** All of the minute's requests are taken. */
  spent: boolean;
  asking?: Promise<void>;
}

/**
 * So many requests a minute for each key, counted in the table a portion at a time: never more, and fewer by at most a portion
 * for each further process. The headers (IETF draft "RateLimit header fields") say how many are surely left.
 */
export function limitRate({ table, clock, settings }: Edge): MiddlewareHandler<EdgeEnv> {
  const limit = settings.requestsPerMinute;
  const size = Math.max(1, Math.floor(limit * portion));
  const allowances = new LRUCache<string, Allowance>({ max: 10_000 });

  async function ask(key: string, allowance: Allowance): Promise<void> {
    const expires = (allowance.minute + 2) * window;
    allowance.taken = await table.add(rowKeys.rate(key, allowance.minute), size, expires);
    const granted = Math.max(0, Math.min(size, limit - (allowance.taken - size)));
    allowance.left += granted;
    allowance.spent = granted === 0;
  }

  return async (context, next) => {
    const seconds = clock.now() / 1000;
    const minute = Math.floor(seconds / window);
    const wait = Math.ceil((minute + 1) * window - seconds);
    const key = context.get("key").id;
    const known = allowances.get(key);
    const allowance = known?.minute === minute ? known : { minute, left: 0, taken: 0, spent: false };
    if (allowance !== known) allowances.set(key, allowance);
    while (!allowance.left && !allowance.spent) {
      allowance.asking ??= ask(key, allowance).finally(() => {
        delete allowance.asking;
      });
      await allowance.asking;
    }
    const refused = !allowance.left;
    if (!refused) allowance.left--;
    const left = Math.max(0, limit - allowance.taken) + allowance.left;
    context.header("RateLimit-Policy", `"default";q=${limit};w=${window}`);
    context.header("RateLimit", `"default";r=${left};t=${wait}`);
    if (refused) {
      context.header("Retry-After", String(wait));
      throw refuse("rate_limited", `More than ${limit} requests this minute; wait ${wait} s.`);
    }
    await next();
  };
}
