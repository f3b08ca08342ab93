import { rowKeys } from "./rows.ts";

/** DynamoDB operations that are allowed on the partitions that match a pattern, in which `*` is any text. */
export interface RowAccess {
  readonly operations: readonly string[];
  readonly partitions: readonly string[];
}

/**
 * A worker's permissions in the table: claim, renew and end runs, and publish events. Accounts with their
 * balances, webhooks and keys, ledgers, reservations and jobs' rows are in other partitions. The deployment
 * grants this, and the local table enforces it.
 */
export const workerAccess: readonly RowAccess[] = [
  { operations: ["GetItem", "PutItem", "UpdateItem"], partitions: [rowKeys.run("*", "*").pk] },
  { operations: ["PutItem"], partitions: [rowKeys.event("*", "").pk] },
];
