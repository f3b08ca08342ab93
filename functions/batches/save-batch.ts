import { lifetimes } from "../../shared/object-keys.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { Table, Write } from "../../shared/ports/table.ts";
import type { StoredBatch } from "../../shared/resources/batch.ts";
import { rowKeys, type Stored } from "../../shared/rows.ts";

/**
 * Replaces `version` of a batch's row, in one transaction with `others`.
 *
 * @param due milliseconds since 1970; undefined if nothing is left to do
 * @returns `"conflict"` if the row has changed or a condition of `others` does not hold
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
    // Each line's retention starts when that line ends.
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
