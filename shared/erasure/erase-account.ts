import { storedKeySchema } from "../accounts/api-key.ts";
import { objectFolders } from "../object-keys.ts";
import type { TableRow } from "../ports/table.ts";
import { parseRow, rowKeys } from "../rows.ts";
import { type ErasurePorts, eraseObjects, eraseRows } from "./erase.ts";

/** Rows of the account's own partition that stay: its sums. */
const kept = new Set([rowKeys.balance("").sk]);

/**
 * Erases an account: its keys first, so that nothing new is made, then every row and every file of it. The balance and the ledger's
 * grants and charges stay, which hold ids and numbers alone. Safe to repeat, also after it was interrupted.
 */
export async function eraseAccount(ports: ErasurePorts, account: string): Promise<void> {
  const { table, objects } = ports;
  for (let after: string | undefined; ; ) {
    const keys = await table.query(account, { prefix: "key#", limit: 100, ...(after ? { after } : {}) });
    for (const row of keys) await table.delete(rowKeys.secret(parseRow(storedKeySchema, row).data.hash));
    if (keys.length < 100) break;
    after = keys.at(-1)?.sk;
  }
  await eraseOf(ports, account, "ins#", (id) => rowKeys.event(id, "").pk);
  await eraseOf(ports, account, "edt#", (id) => rowKeys.event(id, "").pk);
  await eraseOf(ports, account, "bat#", (id) => rowKeys.batchLine(id, 0).pk);
  await eraseRows(table, rowKeys.idempotency(account, "").pk);
  await eraseRows(table, rowKeys.reservation(account, "").pk);
  await eraseRows(table, rowKeys.circuit(account, "").pk);
  await eraseRows(table, account, "", ({ sk }) => !kept.has(sk));
  for (const folder of objectFolders) await eraseObjects(objects, `${folder}/${account}/`);
}

/** Deletes the partition that belongs to each row of a kind. */
async function eraseOf(
  { table }: ErasurePorts,
  account: string,
  prefix: string,
  partition: (id: string) => string,
): Promise<void> {
  let last: TableRow | undefined;
  do {
    const rows = await table.query(account, { prefix, limit: 100, ...(last ? { after: last.sk } : {}) });
    for (const { sk } of rows) await eraseRows(table, partition(sk.slice(prefix.length)));
    last = rows.length < 100 ? undefined : rows.at(-1);
  } while (last);
}
