import { dueIndex } from "../shared/aws/dynamo-table-definition.ts";
import { stage } from "./stage.ts";

/**
 * The one table (`shared/aws/dynamo-table-definition.ts` makes the same for tests). Its backup goes back 35
 * days.
 */
export const table = new sst.aws.Dynamo("Table", {
  fields: { pk: "string", sk: "string", due_pk: "string", due_sk: "string" },
  primaryIndex: { hashKey: "pk", rangeKey: "sk" },
  globalIndexes: { [dueIndex]: { hashKey: "due_pk", rangeKey: "due_sk", projection: "keys-only" } },
  ttl: "expires",
  // Whoever is woken by it reads the row itself.
  stream: "keys-only",
  deletionProtection: stage.lasting,
});

/** Rows by their keys; no scan of everybody's. */
export const useRows = {
  actions: [
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:Query",
  ],
  resources: [table.arn],
};

/** What is due, of everybody: the sweeper's. */
export const findDueRows = {
  actions: ["dynamodb:Query"],
  resources: [$interpolate`${table.arn}/index/${dueIndex}`],
};
