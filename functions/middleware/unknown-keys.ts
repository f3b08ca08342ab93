import type { Context } from "hono";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../shared/ports/clock.ts";
import { callerAddresses } from "./caller-addresses.ts";

/** Seconds. */
const window = 60;
/** Unknown keys per minute and caller's address. */
export const maxUnknownKeys = 60;
/** Unknown keys per minute and peer, which may be a proxy for many callers. */
const maxThroughProxy = 10 * maxUnknownKeys;

/**
 * Limits lookups of unknown keys per address, in this process's memory, so that guessed keys do not cause
 * table reads.
 */
export class UnknownKeys {
  readonly #clock: Clock;
  readonly #tried: LRUCache<string, { readonly minute: number; count: number }>;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#tried = new LRUCache({ max: 10_000 });
  }

  /**
   * Counts a lookup before it is made. Call `refund` if the key exists. If there were too many lookups,
   * returns the seconds to wait.
   */
  take(context: Context): { readonly wait: number } | { refund(): void } {
    const seconds = this.#clock.now() / 1000;
    const minute = Math.floor(seconds / window);
    const { peer, forwarded } = callerAddresses(context);
    const counters = [
      {
        ...this.#counter(`peer ${peer}`, minute),
        max: forwarded === undefined ? maxUnknownKeys : maxThroughProxy,
      },
      ...(forwarded === undefined
        ? []
        : [{ ...this.#counter(`caller ${forwarded}`, minute), max: maxUnknownKeys }]),
    ];
    if (counters.some(({ entry, max }) => entry.count >= max))
      return { wait: Math.ceil((minute + 1) * window - seconds) };
    for (const { entry } of counters) entry.count++;
    return {
      refund() {
        for (const { entry } of counters) entry.count--;
      },
    };
  }

  #counter(address: string, minute: number) {
    const known = this.#tried.get(address);
    const entry = known?.minute === minute ? known : { minute, count: 0 };
    if (entry !== known) this.#tried.set(address, entry);
    return { entry };
  }
}
