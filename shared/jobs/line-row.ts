import { lifetimes } from "../object-keys.ts";
import type { Clock } from "../ports/clock.ts";
import type { Table } from "../ports/table.ts";
import type { StoredLine } from "../resources/batch.ts";
import { rowKeys } from "../rows.ts";

/**
 * Stores the end of a batch's line; the first writer wins. The row is deleted when the batch's output
 * contains it.
 */
export async function insertLine(table: Table, clock: Clock, batch: string, data: StoredLine): Promise<void> {
  const expires = Math.floor(clock.now() / 1000) + lifetimes.batchLine;
  await table.insert({ ...rowKeys.batchLine(batch, data.line), data, expires });
}
