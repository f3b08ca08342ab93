import { type LedgerEntry, ledgerEntrySchema } from "../shared/ledger/balance.ts";
import type { Table } from "../shared/ports/table.ts";
import { parseRow, rowKeys } from "../shared/rows.ts";

/** Every grant and charge of an account. */
export async function ledgerRows(table: Table, account: string): Promise<readonly LedgerEntry[]> {
  const rows = await table.query(rowKeys.ledger(account, "").pk, { limit: 100_000 });
  return rows.map((row) => parseRow(ledgerEntrySchema, row).data);
}

/** The balance and the reserved credits that result from grants and charges. */
export const sumOfLedger = async (table: Table, account: string): Promise<number> =>
  (await ledgerRows(table, account)).reduce((sum, { credits }) => sum + credits, 0);
