import { z } from "zod";
import type { Table, Write } from "./ports/table.ts";
import { parseRow, rowKeys } from "./rows.ts";

/** Maximum number of an account's schedules that have not ended. */
export const mostSchedules = 100;

/** Counts over everything that an account has, in one row. */
const totalsSchema = z.object({
  /** Named uploads completed so far, which is the position of the last one. */
  named: z.number().int(),
  /** Schedules that have not ended. */
  schedules: z.number().int(),
});
type Totals = z.infer<typeof totalsSchema>;

/** An account's totals. Creates the row if the account has none yet. */
export async function readTotals(table: Table, account: string): Promise<Totals> {
  const key = rowKeys.totals(account);
  const row = await table.get(key);
  if (row) return parseRow(totalsSchema, row).data;
  const data: Totals = { named: 0, schedules: 0 };
  const inserted = await table.insert({ ...key, data });
  return inserted === "conflict" ? readTotals(table, account) : data;
}

/** Counts a new schedule, unless the account has as many as it may have. */
export const addSchedule = (account: string): Write => ({
  amend: rowKeys.totals(account),
  amendment: { add: [[["schedules"], 1]] },
  tests: [{ path: ["schedules"], below: mostSchedules }],
});

/** Counts the end of a schedule. */
export const removeSchedule = (account: string): Write => ({
  amend: rowKeys.totals(account),
  amendment: { add: [[["schedules"], -1]] },
  tests: [],
});
