import type { DueRow } from "../../shared/ports/table.ts";

/** Returns up to `max` rows, taken from the accounts in turn, each account's longest overdue row first. */
export function fairShare(rows: readonly DueRow[], max: number): readonly DueRow[] {
  const byAccount = new Map<string, DueRow[]>();
  for (const row of rows) {
    const account = accountOf(row);
    const queue = byAccount.get(account);
    if (queue) queue.push(row);
    else byAccount.set(account, [row]);
  }
  const queues = [...byAccount.values()];
  const share: DueRow[] = [];
  for (let turn = 0; share.length < Math.min(max, rows.length); turn++)
    share.push(...queues.flatMap((queue) => queue.slice(turn, turn + 1)));
  return share.slice(0, max);
}

/** The partition of a row, which is its account's; a run has a partition of its own. */
const accountOf = ({ pk, sk }: DueRow): string => (sk.startsWith("run#") ? sk : pk);
