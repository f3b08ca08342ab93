import { lifetimes } from "../../shared/object-keys.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { Table, Write } from "../../shared/ports/table.ts";
import type { StoredBatch } from "../../shared/resources/batch.ts";
import { rowKeys, type Stored } from "../../shared/rows.ts";

/**
 * Writes a batch's row over `version`, in one transaction with `others`.
 *
 * @param due milliseconds since 1970; undefined when nothing is left to do
 * @returns `"conflict"` when the row has moved on, or a condition of `others` does not hold; the next look goes on from there
 */
export async function saveBatch(
  table: Table,
  data: StoredBatch,
  version: number,
  due: number | undefined,
  others: readonly Write[] = [],
): Promise<Stored<StoredBatch> | "conflict"> {
  const row = {
    ...rowKeys.resource(data.account, data.id),
    // The results of a batch's lines are kept from the end of each.
    ...(data.finished_at === undefined
      ? {}
      : {
          expires:
            Math.ceil(Date.parse(data.finished_at) / 1000) +
            (data.keep_results ?? lifetimes.result) +
            lifetimes.record,
        }),
    ...(due === undefined ? {} : { due: toIso(due) }),
    data,
  };
  const written = others.length
    ? await table.transact([{ replace: row, version }, ...others])
    : await table.replace(row, version);
  return written === "conflict" ? written : { data, version: version + 1 };
}
