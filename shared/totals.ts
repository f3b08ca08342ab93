import { z } from "zod";
import { VisibleError } from "./errors.ts";
import type { RowTest, Table, Write } from "./ports/table.ts";
import { parseRow, rowKeys } from "./rows.ts";

/** Maximum number of an account's schedules that have not ended. */
export const maxSchedules = 100;

/** Bytes of uploads and results that an account may store, unless its plan says otherwise. */
const defaultStorage = 100e9;

export const storageLimit = (account: { readonly storage_bytes?: number | undefined } | undefined): number =>
  account?.storage_bytes ?? defaultStorage;

/** Totals of an account, in one row. */
const totalsSchema = z.object({
  /** Named uploads completed so far, which is the position of the last one. */
  named: z.number().int(),
  /** Schedules that have not ended. */
  schedules: z.number().int(),
  /** Bytes of completed uploads, of the results of ended edits, and reserved for those of open edits. */
  bytes: z.number().int(),
});
type Totals = z.infer<typeof totalsSchema>;

/** Reads an account's totals. Creates the row if there is none yet. */
export async function readTotals(table: Table, account: string): Promise<Totals> {
  const key = rowKeys.totals(account);
  const row = await table.get(key);
  if (row) return parseRow(totalsSchema, row).data;
  const data: Totals = { named: 0, schedules: 0, bytes: 0 };
  const inserted = await table.insert({ ...key, data });
  return inserted === "conflict" ? readTotals(table, account) : data;
}

/** Counts a new schedule, unless the limit is reached. */
export const addSchedule = (account: string): Write => ({
  amend: rowKeys.totals(account),
  amendment: { add: [[["schedules"], 1]] },
  tests: [{ path: ["schedules"], below: maxSchedules }],
});

/** Counts a schedule that has ended. */
export const removeSchedule = (account: string): Write => ({
  amend: rowKeys.totals(account),
  amendment: { add: [[["schedules"], -1]] },
  tests: [],
});

/** Bytes to store, or to reserve, and the account's limit. */
export interface StorageNeed {
  readonly bytes: number;
  readonly limit: number;
}

export const hasRoom = ({ bytes, limit }: StorageNeed): RowTest => ({
  path: ["bytes"],
  below: limit - bytes + 1,
});

/** Counts bytes, if the account's limit allows them. */
export const reserveBytes = (account: string, need: StorageNeed): Write => ({
  amend: rowKeys.totals(account),
  amendment: { add: [[["bytes"], need.bytes]] },
  tests: [hasRoom(need)],
});

/** Adds bytes that are stored, or subtracts bytes that are deleted or no longer reserved. */
export const countBytes = (account: string, bytes: number): Write => ({
  amend: rowKeys.totals(account),
  amendment: { add: [[["bytes"], bytes]] },
  tests: [],
});

/** @throws VisibleError `storage_full` if `bytes` more would exceed the account's storage */
export function requireStorage({ bytes: used }: Totals, { bytes, limit }: StorageNeed): void {
  if (used + bytes > limit)
    throw new VisibleError(
      "storage_full",
      `The account stores ${used} bytes, including those reserved for open edits, and ${bytes} more would exceed its limit of ${limit}; delete uploads or results, or wait for open edits to end.`,
    );
}
