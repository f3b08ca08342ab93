import { defined } from "../defined.ts";
import type { Amendment, NewRow, RowTest, TableKey, Write } from "../ports/table.ts";
import { duePartition } from "./dynamo-table-definition.ts";
import { updateExpression } from "./update-expression.ts";

/** Input of a conditional write, alone or in a transaction. @param now Unix seconds */
export const insertInput = (TableName: string, row: NewRow, now: number) => ({
  TableName,
  Item: toItem(row, 1),
  // An expired row counts as deleted before TTL removes it.
  ConditionExpression: "attribute_not_exists(pk) OR expires < :now",
  ExpressionAttributeValues: { ":now": now },
});

export const replaceInput = (TableName: string, row: NewRow, version: number) => ({
  TableName,
  Item: toItem(row, version + 1),
  ConditionExpression: "version = :version",
  ExpressionAttributeValues: { ":version": version },
});

export const amendInput = (
  TableName: string,
  { pk, sk }: TableKey,
  amendment: Amendment,
  tests: readonly RowTest[],
) => ({ TableName, Key: { pk, sk }, ...updateExpression(amendment, tests, duePartition({ pk, sk })) });

/** One entry of `TransactItems`. */
export function transactItem(table: string, write: Write, now: number) {
  if ("insert" in write) return { Put: insertInput(table, write.insert, now) };
  if ("replace" in write) return { Put: replaceInput(table, write.replace, write.version) };
  if ("amend" in write) return { Update: amendInput(table, write.amend, write.amendment, write.tests) };
  const { pk, sk } = write.delete;
  return {
    Delete: { TableName: table, Key: { pk, sk }, ConditionExpression: "attribute_exists(pk)" },
  };
}

function toItem({ pk, sk, data, due, expires }: NewRow, version: number): Record<string, unknown> {
  return {
    pk,
    sk,
    version,
    data,
    ...(due === undefined ? {} : { due_pk: duePartition({ pk, sk }), due_sk: due }),
    ...defined({ expires }),
  };
}
