import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import type { TableKey } from "../ports/table.ts";

/** The index that finds rows by the time at which they are due. It holds keys only, so a row's other changes do not write it. */
export const dueIndex = "by_due";

/**
 * Partitions of the index for each kind of row; others have one. A partition takes 1,000 writes a second, and an edit writes the
 * index about seven times.
 */
const dueShards: Readonly<Record<string, number>> = { edt: 4, dlv: 2, mtr: 2, upl: 2 };

/** What a row is: the letters before the `#` of its sort key. */
const kindOf = (sk: string): string => sk.split("#", 1)[0] ?? "";

/** The partitions in which rows of a kind are due. */
export const duePartitions = (kind: string): readonly string[] =>
  Array.from({ length: dueShards[kind] ?? 1 }, (_, shard) => `due#${kind}#${shard}`);

/** The partition in which a row is due. Rows of one account spread over all of its kind. */
export function duePartition({ sk }: TableKey): string {
  const partitions = duePartitions(kindOf(sk));
  let hash = 0;
  for (let index = 0; index < sk.length; index++) hash = (Math.imul(hash, 31) + sk.charCodeAt(index)) | 0;
  return partitions[Math.abs(hash) % partitions.length] ?? "";
}

/** The table as it is created: infrastructure and stand-ins use this same definition. */
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
