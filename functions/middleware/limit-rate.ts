import type { MiddlewareHandler } from "hono";
import { LRUCache } from "lru-cache";
import { rowKeys } from "../../shared/rows.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-responses.ts";

/** Seconds. */
const window = 60;
/** Fraction of an account's limit that one process reserves at a time. */
const portion = 1 / 60;

/** Fraction of an account's limit that one upload token may use. */
const tokenShare = 1 / 5;

/** Requests that this process may accept in one minute before it reads the table again. */
interface Allowance {
  readonly minute: number;
  left: number;
  /** Total reserved by all processes, as of the last read. */
  taken: number;
  /** The limit of this minute is used up. */
  spent: boolean;
  reserving?: Promise<void>;
}

/**
 * Limits an account's requests per minute over all its keys. The table counts them in portions: never more
 * than the limit, and at most one portion less for each additional process. The headers (IETF draft
 * "RateLimit header fields") state the guaranteed remainder.
 */
export function limitRate({ table, clock, settings }: Edge): MiddlewareHandler<EdgeEnv> {
  const limit = settings.requestsPerMinute;
  const size = Math.max(1, Math.floor(limit * portion));
  const allowances = new LRUCache<string, Allowance>({ max: 10_000 });

  const tokenLimit = Math.ceil(limit * tokenShare);
  /** The minute in which a token used up its share. */
  const usedUp = new LRUCache<string, number>({ max: 10_000 });

  /** Counts a request of an upload token, so that one phone cannot use up its account's limit. */
  async function isTokenWithinLimit(token: string, minute: number): Promise<boolean> {
    if (usedUp.get(token) === minute) return false;
    const count = await table.add(rowKeys.rate(token, minute), 1, (minute + 2) * window);
    if (count > tokenLimit) usedUp.set(token, minute);
    return count <= tokenLimit;
  }

  async function reserve(account: string, allowance: Allowance): Promise<void> {
    const expires = (allowance.minute + 2) * window;
    allowance.taken = await table.add(rowKeys.rate(account, allowance.minute), size, expires);
    const granted = Math.max(0, Math.min(size, limit - (allowance.taken - size)));
    allowance.left += granted;
    allowance.spent = granted === 0;
  }

  return async (context, next) => {
    const seconds = clock.now() / 1000;
    const minute = Math.floor(seconds / window);
    const wait = Math.ceil((minute + 1) * window - seconds);
    const token = context.get("uploadToken");
    if (token && !(await isTokenWithinLimit(token.id, minute))) {
      context.header("Retry-After", String(wait));
      throw refuse(
        "rate_limited",
        `The upload token has made more than ${tokenLimit} requests this minute; retry in ${wait} s.`,
      );
    }
    const account = context.get("account");
    const known = allowances.get(account);
    const allowance = known?.minute === minute ? known : { minute, left: 0, taken: 0, spent: false };
    if (allowance !== known) allowances.set(account, allowance);
    while (!allowance.left && !allowance.spent) {
      allowance.reserving ??= reserve(account, allowance).finally(() => {
        delete allowance.reserving;
      });
      await allowance.reserving;
    }
    const refused = !allowance.left;
    if (!refused) allowance.left--;
    const left = Math.max(0, limit - allowance.taken) + allowance.left;
    context.header("RateLimit-Policy", `"default";q=${limit};w=${window}`);
    context.header("RateLimit", `"default";r=${left};t=${wait}`);
    if (refused) {
      context.header("Retry-After", String(wait));
      throw refuse(
        "rate_limited",
        `The account has made more than ${limit} requests this minute; retry in ${wait} s.`,
      );
    }
    await next();
  };
}
