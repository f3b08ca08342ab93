import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";

/** Of the index in which due rows stand by their time. */
export const dueIndex = "by_due";

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
      Projection: { ProjectionType: "ALL" },
    },
  ],
});
