import { edgeFunction } from "./edge-function.ts";
import { stripeKey } from "./secrets.ts";
import { sweepPermissions } from "./sweeper.ts";
import { table } from "./table.ts";

const inserted = (prefix: string) => ({
  eventName: ["INSERT"],
  dynamodb: { Keys: { sk: { S: [{ prefix }] } } },
});

/** A webhook's delivery and a new batch begin when their rows stand, not at the sweeper's next minute. */
export const dueRows = table.subscribe(
  "Due",
  {
    ...edgeFunction,
    handler: "functions/due-lambda.handler",
    description: "Begins deliveries and batches at once.",
    memory: "512 MB",
    timeout: "60 seconds",
    link: [stripeKey],
    permissions: sweepPermissions,
  },
  {
    filters: [inserted("dlv#"), inserted("bat#")],
    transform: {
      // The row stays due, so the sweeper has what fails here; a stream that is stuck would delay all the others.
      eventSourceMapping: {
        maximumRetryAttempts: 1,
        maximumRecordAgeInSeconds: 300,
        parallelizationFactor: 4,
      },
    },
  },
);
