import type { z } from "zod";
import { InternalError } from "./errors.ts";
import type { NewRow, Table, TableKey, TableRow, Write } from "./ports/table.ts";

/** Partition of the scaler's rows, the only one its role may access. */
export const scalerPartition = "scaler";

/** Keys of rows. Sort keys of resources start with their kind and sort by age. */
export const rowKeys = {
  resource: (account: string, id: string): TableKey => ({ pk: account, sk: `${id.slice(0, 3)}#${id}` }),
  /** An open job, as its worker sees it. Workers may access only partitions of runs and events. */
  run: (account: string, job: string): TableKey => ({ pk: `run#${job}`, sk: `run#${account}` }),
  event: (job: string, sequence: string): TableKey => ({ pk: `events#${job}`, sk: sequence }),
  /** By the SHA-256 of the secret. */
  secret: (hash: string): TableKey => ({ pk: `secret#${hash}`, sk: "key" }),
  /** By the SHA-256 of the token. */
  uploadToken: (hash: string): TableKey => ({ pk: `secret#${hash}`, sk: "token" }),
  balance: (account: string): TableKey => ({ pk: account, sk: "balance" }),
  /** Reservation of a job. */
  reservation: (account: string, job: string): TableKey => ({ pk: `reserved#${account}`, sk: job }),
  /** Totals of an account. */
  totals: (account: string): TableKey => ({ pk: account, sk: "totals" }),
  /** The account's named uploads, in the order of completion. */
  namedUpload: (account: string, position: number): TableKey => ({
    pk: `named#${account}`,
    sk: String(position).padStart(12, "0"),
  }),
  /** Spending of a key with a limit in a month. */
  spending: (account: string, keyAndMonth: string): TableKey => ({
    pk: `spending#${account}`,
    sk: keyAndMonth,
  }),
  ledger: (account: string, entry: string): TableKey => ({ pk: `ledger#${account}`, sk: entry }),
  idempotency: (account: string, hash: string): TableKey => ({ pk: `idempotency#${account}`, sk: hash }),
  rate: (subject: string, window: number): TableKey => ({ pk: `rate#${subject}`, sk: String(window) }),
  /** A slot of a holder's open connections. */
  heldConnection: (holder: string, place: number): TableKey => ({
    pk: `held#${holder}`,
    sk: String(place).padStart(3, "0"),
  }),
  /** Folders of a deleted job that will be emptied again. */
  deletion: (account: string, job: string): TableKey => ({ pk: account, sk: `del#${job}` }),
  /** An account that is being erased. In a separate partition, because the account's is emptied. */
  erasure: (account: string): TableKey => ({ pk: `erasure#${account}`, sk: `era#${account}` }),
  /** Usage of a daily quota. */
  quota: (account: string, what: string): TableKey => ({ pk: `quota#${account}`, sk: what }),
  /** Circuit breaker of an account's webhooks to a host. */
  circuit: (account: string, host: string): TableKey => ({ pk: `circuit#${account}`, sk: host }),
  /** The scaler's state of a pool, and its lock. */
  scaler: (pool: string): TableKey => ({ pk: scalerPartition, sk: pool }),
  batchLine: (batch: string, line: number): TableKey => ({
    pk: `lines#${batch}`,
    sk: String(line).padStart(8, "0"),
  }),
} as const;

/** A row whose data has been parsed. */
export interface Stored<Data> {
  readonly data: Data;
  readonly version: number;
}

/** Parses a row. A row that does not match its schema is a bug. */
export function parseRow<Schema extends z.ZodType>(schema: Schema, row: TableRow): Stored<z.infer<Schema>> {
  const parsed = schema.safeParse(row.data);
  if (!parsed.success)
    throw new InternalError(`the row ${row.pk} ${row.sk} does not match its schema`, { cause: parsed.error });
  return { data: parsed.data, version: row.version };
}

/**
 * Reads, changes and writes a row, repeated on conflict. `change` returns the new row, or undefined to leave
 * it unchanged. The expiry time is kept unless a new one is given.
 *
 * @returns the stored row, or undefined if it does not exist
 */
export async function updateRow<Schema extends z.ZodType>(
  table: Table,
  key: TableKey,
  schema: Schema,
  change: (data: z.infer<Schema>) => ChangedRow | undefined,
): Promise<Stored<z.infer<Schema>> | undefined> {
  for (let seen: number | undefined; ; ) {
    const row = await table.get(key);
    if (!row) return undefined;
    if (row.version === seen)
      throw new InternalError(`the rows that change together with ${key.pk} ${key.sk} cannot be written`);
    const stored = parseRow(schema, row);
    const changed = change(stored.data);
    if (!changed) return stored;
    const { also = [], ...fields } = changed;
    const expires = row.expires === undefined ? {} : { expires: row.expires };
    const next = { ...key, ...expires, ...fields };
    if (!also.length) {
      const written = await table.replace(next, row.version);
      if (written !== "conflict") return parseRow(schema, written);
    } else if ((await table.transact([{ replace: next, version: row.version }, ...also])) === "written")
      return parseRow(schema, { ...next, version: row.version + 1 });
    else seen = row.version;
  }
}

/** A changed row, and writes of other rows in the same transaction, which have no conditions of their own. */
interface ChangedRow extends Omit<NewRow, "pk" | "sk"> {
  readonly also?: readonly Write[];
}
