import type { z } from "zod";
import { InternalError } from "./errors.ts";
import type { NewRow, Table, TableKey, TableRow } from "./ports/table.ts";

/** The scaler's own rows, and all that its role may touch. */
export const scalerPartition = "scaler";

/** Where rows lie in the one table. Sort keys of resources begin with their kind and sort by age. */
export const rowKeys = {
  resource: (account: string, id: string): TableKey => ({ pk: account, sk: `${id.slice(0, 3)}#${id}` }),
  event: (job: string, sequence: string): TableKey => ({ pk: `events#${job}`, sk: sequence }),
  /** By the SHA-256 of the secret. */
  secret: (hash: string): TableKey => ({ pk: `secret#${hash}`, sk: "key" }),
  balance: (account: string): TableKey => ({ pk: account, sk: "balance" }),
  /** Credits set aside for one job. */
  reservation: (account: string, job: string): TableKey => ({ pk: `reserved#${account}`, sk: job }),
  ledger: (account: string, entry: string): TableKey => ({ pk: `ledger#${account}`, sk: entry }),
  idempotency: (account: string, hash: string): TableKey => ({ pk: `idempotency#${account}`, sk: hash }),
  rate: (subject: string, window: number): TableKey => ({ pk: `rate#${subject}`, sk: String(window) }),
  /** Place `place` of the connections that a holder may have open. */
  heldConnection: (holder: string, place: number): TableKey => ({
    pk: `held#${holder}`,
    sk: String(place).padStart(3, "0"),
  }),
  /** What may come late for a job that was deleted. */
  deletion: (account: string, job: string): TableKey => ({ pk: account, sk: `del#${job}` }),
  /** An account that is being erased. It has a partition of its own, as the account's is emptied. */
  erasure: (account: string): TableKey => ({ pk: `erasure#${account}`, sk: `era#${account}` }),
  /** What an account has used in a day. */
  quota: (account: string, what: string): TableKey => ({ pk: `quota#${account}`, sk: what }),
  /** How an account's webhooks to a host fare. */
  circuit: (account: string, host: string): TableKey => ({ pk: `circuit#${account}`, sk: host }),
  /** What the scaler remembers of a pool, and whose turn it is there. */
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

/** Parses a row by its schema; rows are ours, so one that does not fit is a bug. */
export function parseRow<Schema extends z.ZodType>(schema: Schema, row: TableRow): Stored<z.infer<Schema>> {
  const parsed = schema.safeParse(row.data);
  if (!parsed.success)
    throw new InternalError(`the row ${row.pk} ${row.sk} is not as it should be`, { cause: parsed.error });
  return { data: parsed.data, version: row.version };
}

/**
 * Reads, changes and writes a row until nobody else was faster. `change` returns the new row, or undefined to leave it. The time at
 * which the row expires stays unless a new one is given.
 *
 * @returns what is stored now, or undefined when there is no such row
 */
export async function updateRow<Schema extends z.ZodType>(
  table: Table,
  key: TableKey,
  schema: Schema,
  change: (data: z.infer<Schema>) => Omit<NewRow, "pk" | "sk"> | undefined,
): Promise<Stored<z.infer<Schema>> | undefined> {
  for (;;) {
    const row = await table.get(key);
    if (!row) return undefined;
    const stored = parseRow(schema, row);
    const changed = change(stored.data);
    if (!changed) return stored;
    const expires = row.expires === undefined ? {} : { expires: row.expires };
    const written = await table.replace({ ...key, ...expires, ...changed }, row.version);
    if (written !== "conflict") return parseRow(schema, written);
  }
}
