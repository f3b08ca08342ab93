import { storedKeySchema } from "../accounts/api-key.ts";
import { defined } from "../defined.ts";
import { objectFolders } from "../object-keys.ts";
import type { Table, TableKey, TableRow } from "../ports/table.ts";
import { storedUploadTokenSchema } from "../resources/upload-token.ts";
import { parseRow, rowKeys } from "../rows.ts";
import { type ErasurePorts, eraseObjects, eraseRows } from "./erase.ts";

/** Rows of the account's partition that are kept: the balance. */
const kept = new Set([rowKeys.balance("").sk]);

/**
 * Erases an account: first its keys, so that nothing new is created, then all of its rows and files. The
 * balance and the ledger are kept; they contain only IDs and numbers. Idempotent, even after an interruption.
 */
export async function eraseAccount(ports: ErasurePorts, account: string): Promise<void> {
  const { table, objects } = ports;
  await eraseSecrets(table, account, "key#", (row) =>
    rowKeys.secret(parseRow(storedKeySchema, row).data.hash),
  );
  await eraseSecrets(table, account, "tok#", (row) =>
    rowKeys.uploadToken(parseRow(storedUploadTokenSchema, row).data.hash),
  );
  await eraseOf(ports, account, "ins#", (id) => rowKeys.event(id, "").pk);
  await eraseOf(ports, account, "edt#", (id) => rowKeys.event(id, "").pk);
  await eraseOf(ports, account, "ins#", (id) => rowKeys.run(account, id).pk);
  await eraseOf(ports, account, "edt#", (id) => rowKeys.run(account, id).pk);
  await eraseOf(ports, account, "bat#", (id) => rowKeys.batchLine(id, 0).pk);
  await eraseRows(table, rowKeys.idempotency(account, "").pk);
  await eraseRows(table, rowKeys.reservation(account, "").pk);
  await eraseRows(table, rowKeys.namedUpload(account, 0).pk);
  await eraseRows(table, rowKeys.spending(account, "").pk);
  await eraseRows(table, rowKeys.circuit(account, "").pk);
  await eraseRows(table, account, "", ({ sk }) => !kept.has(sk));
  for (const folder of objectFolders) await eraseObjects(objects, `${folder}/${account}/`);
}

/** Deletes the rows under the hashes of all secrets of a kind. */
async function eraseSecrets(
  table: Table,
  account: string,
  prefix: string,
  secretOf: (row: TableRow) => TableKey,
): Promise<void> {
  for (let after: string | undefined; ; ) {
    const rows = await table.query(account, { prefix, limit: 100, ...defined({ after }) });
    for (const row of rows) await table.delete(secretOf(row));
    if (rows.length < 100) break;
    after = rows.at(-1)?.sk;
  }
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
