import type { DueRow } from "../../shared/ports/table.ts";

/** Returns up to `max` rows, taken from the accounts in turn, each account's longest overdue row first. */
export function fairShare(rows: readonly DueRow[], max: number): readonly DueRow[] {
  const byAccount = new Map<string, DueRow[]>();
  for (const row of rows) {
    const queue = byAccount.get(row.pk);
    if (queue) queue.push(row);
    else byAccount.set(row.pk, [row]);
  }
  const queues = [...byAccount.values()];
  const share: DueRow[] = [];
  for (let turn = 0; share.length < Math.min(max, rows.length); turn++)
    share.push(...queues.flatMap((queue) => queue.slice(turn, turn + 1)));
  return share.slice(0, max);
}
