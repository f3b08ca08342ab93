import type { Clock, RandomBytes } from "../shared/ports/clock.ts";
import type { Table } from "../shared/ports/table.ts";
import { rowKeys } from "../shared/rows.ts";

/** Seconds beyond the maximum duration after which the slot of a crashed process is free again. */
const margin = 5;
/** Free slots to try, because another process may take the same one. */
const tries = 3;

/**
 * Limits a holder's open connections across all processes: an account's event streams and waits, its webhook
 * calls, or the webhook calls to a host. Each connection takes one of `max` slots: a row that is deleted at
 * its end and expires if its process crashes.
 */
export class ConnectionLimit {
  readonly #ports: { readonly table: Table; readonly clock: Clock; readonly random: RandomBytes };
  readonly #max: number;

  constructor(
    ports: { readonly table: Table; readonly clock: Clock; readonly random: RandomBytes },
    max: number,
  ) {
    this.#ports = ports;
    this.#max = max;
  }

  /**
   * Takes a slot for at most `seconds`. Resolves with a function that frees it, or undefined if all are
   * taken.
   */
  async take(holder: string, seconds: number): Promise<(() => Promise<void>) | undefined> {
    const { table, clock, random } = this.#ports;
    const expires = Math.floor(clock.now() / 1000) + Math.ceil(seconds) + margin;
    const rows = await table.query(rowKeys.heldConnection(holder, 0).pk, { limit: this.#max });
    const taken = new Set(rows.map(({ sk }) => sk));
    const free = Array.from({ length: this.#max }, (_, slot) => rowKeys.heldConnection(holder, slot)).filter(
      ({ sk }) => !taken.has(sk),
    );
    // Start at a random slot, so that concurrent processes do not all try the same one.
    const start = (random(1)[0] ?? 0) % Math.max(1, free.length);
    for (const key of [...free.slice(start), ...free.slice(0, start)].slice(0, tries))
      if ((await table.insert({ ...key, data: {}, expires })) !== "conflict")
        return async () => {
          // An expired slot may belong to another connection.
          if (clock.now() < expires * 1000) await table.delete(key);
        };
    return undefined;
  }
}
