import type { Clock, RandomBytes } from "../shared/ports/clock.ts";
import type { Table } from "../shared/ports/table.ts";
import { rowKeys } from "../shared/rows.ts";

/** Seconds beyond the longest hold after which a place whose process died is free again. */
const margin = 5;
/** Places that are tried when others take them at the same time. */
const tries = 3;

/**
 * Limits the connections that one holder has open over all processes: an account's event streams and waits, or the webhooks that are
 * sent for it or to a host. Each connection takes one of `most` places: a row that is deleted at its end, or that expires when its
 * process dies.
 */
export class HeldConnections {
  readonly #ports: { readonly table: Table; readonly clock: Clock; readonly random: RandomBytes };
  readonly #most: number;

  constructor(
    ports: { readonly table: Table; readonly clock: Clock; readonly random: RandomBytes },
    most: number,
  ) {
    this.#ports = ports;
    this.#most = most;
  }

  /** Takes a place for at most so many seconds. Resolves with a function that frees it, or undefined when all are taken. */
  async take(holder: string, seconds: number): Promise<(() => Promise<void>) | undefined> {
    const { table, clock, random } = this.#ports;
    const expires = Math.floor(clock.now() / 1000) + Math.ceil(seconds) + margin;
    const rows = await table.query(rowKeys.heldConnection(holder, 0).pk, { limit: this.#most });
    const taken = new Set(rows.map(({ sk }) => sk));
    const free = Array.from({ length: this.#most }, (_, place) =>
      rowKeys.heldConnection(holder, place),
    ).filter(({ sk }) => !taken.has(sk));
    // From a random one on, so that processes that ask at the same time do not all try the same.
    const start = (random(1)[0] ?? 0) % Math.max(1, free.length);
    for (const key of [...free.slice(start), ...free.slice(0, start)].slice(0, tries))
      if ((await table.insert({ ...key, data: {}, expires })) !== "conflict")
        return async () => {
          // After that it may be another's.
          if (clock.now() < expires * 1000) await table.delete(key);
        };
    return undefined;
  }
}
