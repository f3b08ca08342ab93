import { storedKeySchema } from "../accounts/api-key.ts";
import { objectFolders } from "../object-keys.ts";
import type { TableRow } from "../ports/table.ts";
import { parseRow, rowKeys } from "../rows.ts";
import { type ErasurePorts, eraseObjects, eraseRows } from "./erase.ts";

/** Rows of the account's partition that are kept: the balance. */
const kept = new Set([rowKeys.balance("").sk]);

/**
 * Erases an account: first its keys, so that nothing new is created, then all of its rows and files. The
 * balance and the ledger are kept; they contain only IDs and numbers. Idempotent, also after an interruption.
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
