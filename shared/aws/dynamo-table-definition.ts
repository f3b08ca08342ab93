import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import type { TableKey } from "../ports/table.ts";

/** The index of due rows. It has keys only, so that other changes of a row do not write to it. */
export const dueIndex = "by_due";

/**
 * Number of index partitions by kind of row; other kinds have one. A partition accepts 1,000 writes per
 * second, and an edit's run writes to the index about six times.
 */
const dueShards: Readonly<Record<string, number>> = { run: 4, edt: 4, dlv: 2, mtr: 2, upl: 2 };

/** Kind of a row: the prefix of its sort key before `#`. */
const kindOf = (sk: string): string => sk.split("#", 1)[0] ?? "";

/** The index partitions of a kind. */
export const duePartitions = (kind: string): readonly string[] =>
  Array.from({ length: dueShards[kind] ?? 1 }, (_, shard) => `due#${kind}#${shard}`);

/** The index partition of a row. An account's rows are spread over all partitions of their kind. */
export function duePartition({ sk }: TableKey): string {
  const partitions = duePartitions(kindOf(sk));
  let hash = 0;
  for (let index = 0; index < sk.length; index++) hash = (Math.imul(hash, 31) + sk.charCodeAt(index)) | 0;
  return partitions[Math.abs(hash) % partitions.length] ?? "";
}

/** The table's definition, shared by infrastructure and stand-ins. */
export const tableDefinition = (name: string): CreateTableCommandInput => ({
  TableName: name,
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: ["pk", "sk", "due_pk", "due_sk"].map((AttributeName) => ({
    AttributeName,
    AttributeType: "S",
  })),
  KeySchema: [
    { AttributeName: "pk", KeyType: "HASH" },
    { AttributeName: "sk", KeyType: "RANGE" },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: dueIndex,
      KeySchema: [
        { AttributeName: "due_pk", KeyType: "HASH" },
        { AttributeName: "due_sk", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "KEYS_ONLY" },
    },
  ],
});
