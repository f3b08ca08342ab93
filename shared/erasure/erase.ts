import { defined } from "../defined.ts";
import { type Job, storedBytes } from "../jobs/job.ts";
import { mapConcurrently } from "../map-concurrently.ts";
import { objectKeys } from "../object-keys.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { Table, TableKey, TableRow } from "../ports/table.ts";
import { storedUploadSchema } from "../resources/upload.ts";
import { parseRow, rowKeys } from "../rows.ts";
import { countBytes } from "../totals.ts";
import { storedDeliverySchema } from "../webhooks/webhook.ts";

export interface ErasurePorts {
  readonly table: Table;
  readonly objects: ObjectStore;
}

const width = 16;
const page = 100;

/** Erases an upload and its files. A job that has not read it yet fails with `upload_gone`. */
export async function eraseUpload(ports: ErasurePorts, account: string, id: string): Promise<void> {
  const { table, objects } = ports;
  const key = rowKeys.resource(account, id);
  const row = await table.get(key);
  const upload = row && parseRow(storedUploadSchema, row).data;
  const position = upload?.position;
  if (position !== undefined) await table.delete(rowKeys.namedUpload(account, position));
  await objects.delete(objectKeys.upload(account, id));
  await objects.delete(objectKeys.input(account, id));
  await objects.delete(objectKeys.normalized(account, id));
  if (upload?.status !== "pending") return deleteCounted(table, account, key, upload?.bytes ?? 0);
  // If the upload was completed in the meantime, its bytes are counted.
  if ((await table.delete(key, row?.version)) === "conflict") await eraseUpload(ports, account, id);
}

/** Deletes a row, and in the same transaction subtracts its stored bytes from the account's, once. */
async function deleteCounted(table: Table, account: string, key: TableKey, bytes: number): Promise<void> {
  const isDone =
    bytes > 0 && (await table.transact([{ delete: key }, countBytes(account, -bytes)])) === "written";
  // The row or the account's totals no longer exist.
  if (!isDone) await table.delete(key);
}

/**
 * Erases a job that has ended: its files, events, run, webhook deliveries and finally its row, so that it can be
 * repeated.
 */
export async function eraseJob(
  ports: ErasurePorts,
  { account, id, request, results }: Pick<Job, "account" | "id" | "request" | "results">,
): Promise<void> {
  const { table, objects } = ports;
  const files =
    request.kind === "edit"
      ? results.map(({ key }) => key)
      : [
          objectKeys.instruction(account, id),
          objectKeys.learningState(account, id),
          objectKeys.preview(account, id),
          objectKeys.thumbnail(account, id),
          objectKeys.lut(account, id),
          objectKeys.losses(account, id),
        ];
  await mapConcurrently(width, files, (key) => objects.delete(key));
  await eraseRows(table, rowKeys.event(id, "").pk);
  await table.delete(rowKeys.run(account, id));
  await eraseDeliveries(table, account, id);
  await deleteCounted(table, account, rowKeys.resource(account, id), storedBytes(results));
}

/** Erases the deliveries of a job or batch. Their IDs start with the time of its ID (`deriveId`). */
export async function eraseDeliveries(table: Table, account: string, subject: string): Promise<void> {
  const prefix = `dlv#dlv_${subject.slice(4, 14)}`;
  await eraseRows(table, account, prefix, (row) => mentions(row, subject));
}

function mentions(row: TableRow, subject: string): boolean {
  const { body } = parseRow(storedDeliverySchema, row).data;
  return body.includes(JSON.stringify(subject));
}

/** Deletes the rows of a partition page by page. */
export async function eraseRows(
  table: Table,
  pk: string,
  prefix = "",
  wanted: (row: TableRow) => boolean = () => true,
): Promise<void> {
  for (let after: string | undefined; ; ) {
    const rows = await table.query(pk, {
      limit: page,
      ...(prefix === "" ? {} : { prefix }),
      ...defined({ after }),
    });
    const keys: TableKey[] = rows.filter(wanted).map(({ sk }) => ({ pk, sk }));
    await mapConcurrently(width, keys, (key) => table.delete(key));
    if (rows.length < page) return;
    after = rows.at(-1)?.sk;
  }
}

/** Deletes all objects with the prefix. */
export async function eraseObjects(objects: ObjectStore, prefix: string): Promise<void> {
  for (;;) {
    const found = await objects.list(prefix, page);
    await mapConcurrently(width, found, ({ key }) => objects.delete(key));
    if (found.length < page) return;
  }
}
