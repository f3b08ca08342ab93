import { z } from "zod";
import { type Clock, toIso } from "../../shared/ports/clock.ts";
import type { Table, TableKey } from "../../shared/ports/table.ts";
import { parseRow, rowKeys } from "../../shared/rows.ts";

/** Consecutive failures after which calls to an account's host are paused. */
const maxFailures = 5;
/** Milliseconds of the first pause. It doubles with each further failure, up to `longestPause`. */
const firstPause = 60_000;
const longestPause = 15 * 60_000;
/** Seconds without calls after which a host's failures are forgotten. */
const forgottenAfter = 24 * 3600;

const circuitSchema = z.object({ failures: z.number().int(), open_until: z.iso.datetime().optional() });

/**
 * Tracks unresponsive hosts per account, so that they use few webhook connections. Concurrent
 * writes may count two failures as one; the count need not be exact.
 */
export class CircuitBreaker {
  readonly #ports: { readonly table: Table; readonly clock: Clock };

  constructor(ports: { readonly table: Table; readonly clock: Clock }) {
    this.#ports = ports;
  }

  /** Number of consecutive failures while the circuit is open; undefined when the host may be called. */
  async failuresIfOpen(account: string, host: string): Promise<number | undefined> {
    const row = await this.#ports.table.get(rowKeys.circuit(account, host));
    const circuit = row && parseRow(circuitSchema, row).data;
    const isOpen = (circuit?.open_until ?? "") > toIso(this.#ports.clock.now());
    return circuit && isOpen ? circuit.failures : undefined;
  }

  /** Records the outcome of a call. */
  async record(account: string, host: string, outcome: "answered" | "failed"): Promise<void> {
    const { table, clock } = this.#ports;
    const key: TableKey = rowKeys.circuit(account, host);
    const row = await table.get(key);
    if (outcome === "answered") return void (row && (await table.delete(key)));
    const failures = (row ? parseRow(circuitSchema, row).data.failures : 0) + 1;
    const pause = Math.min(longestPause, firstPause * 2 ** (failures - maxFailures));
    const data = {
      failures,
      ...(failures < maxFailures ? {} : { open_until: toIso(clock.now() + pause) }),
    };
    const expires = Math.floor(clock.now() / 1000) + forgottenAfter;
    if (row) await table.replace({ ...key, data, expires }, row.version);
    else await table.insert({ ...key, data, expires });
  }
}
