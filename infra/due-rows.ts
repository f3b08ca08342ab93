import { edgeFunction } from "./edge-function.ts";
import { stripeKey } from "./secrets.ts";
import { sweepPermissions } from "./sweeper.ts";
import { table } from "./table.ts";

const inserted = (prefix: string) => ({
  eventName: ["INSERT"],
  dynamodb: { Keys: { sk: { S: [{ prefix }] } } },
});

/** Starts webhook deliveries and batches when their rows are inserted, before the sweeper's next run. */
export const dueRows = table.subscribe(
  "Due",
  {
    ...edgeFunction,
    handler: "functions/due-lambda.handler",
    description: "Starts webhook deliveries and batches immediately.",
    memory: "512 MB",
    timeout: "60 seconds",
    link: [stripeKey],
    permissions: sweepPermissions,
  },
  {
    filters: [inserted("dlv#"), inserted("bat#")],
    transform: {
      // A failed row stays due and the sweeper retries it. Retrying here would block the stream.
      eventSourceMapping: {
        maximumRetryAttempts: 1,
        maximumRecordAgeInSeconds: 300,
        parallelizationFactor: 4,
      },
    },
  },
);
