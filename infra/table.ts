import { dueIndex } from "../shared/aws/dynamo-table-definition.ts";
import type { RowAccess } from "../shared/worker-access.ts";
import { stage } from "./stage.ts";

/** The table; `shared/aws/dynamo-table-definition.ts` creates the same for tests. Its backups cover 35 days. */
export const table = new sst.aws.Dynamo("Table", {
  fields: { pk: "string", sk: "string", due_pk: "string", due_sk: "string" },
  primaryIndex: { hashKey: "pk", rangeKey: "sk" },
  globalIndexes: { [dueIndex]: { hashKey: "due_pk", rangeKey: "due_sk", projection: "keys-only" } },
  ttl: "expires",
  // Consumers read the rows themselves.
  stream: "keys-only",
  deletionProtection: stage.lasting,
});

/** Access to rows by key, without scans. */
export const useRows = {
  actions: [
    "dynamodb:GetItem",
    "dynamodb:BatchGetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:Query",
  ],
  resources: [table.arn],
};

/** Access to rows of some partitions. */
export const useRowsOf = ({ operations, partitions }: RowAccess) => ({
  actions: operations.map((operation) => `dynamodb:${operation}`),
  resources: [table.arn],
  conditions: [
    { test: "ForAllValues:StringLike", variable: "dynamodb:LeadingKeys", values: [...partitions] },
  ],
});

/** Query of all due rows, for the sweeper. */
export const findDueRows = {
  actions: ["dynamodb:Query"],
  resources: [$interpolate`${table.arn}/index/${dueIndex}`],
};
