import { bucket } from "./bucket.ts";
import { queueUrls } from "./queues.ts";
import { router } from "./router.ts";
import { stage } from "./stage.ts";
import { table } from "./table.ts";
import { webhookQueue } from "./webhook-queue.ts";

const retention = { 7: "1 week", 14: "2 weeks", 30: "1 month", 90: "3 months" } as const;

/** What every function is: Node on Arm. */
export const functionDefaults = {
  runtime: "nodejs22.x",
  architecture: "arm64",
  logging: { retention: retention[stage.logDays] },
  // SST's own lets everybody of the account take the role, for `sst dev`.
  transform: {
    role: { assumeRolePolicy: aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" }) },
  },
} as const;

/** Runs at a time that a function has to itself, so that callers who follow events cannot starve it. */
export const reserved = (runs: number) => (stage.reserves ? { concurrency: { reserved: runs } } : {});

/** What every function of the edge is: told where things are as `functions/config.ts` reads it. */
export const edgeFunction = {
  ...functionDefaults,
  environment: {
    VISII_STAGE: $app.stage,
    VISII_BUCKET: bucket.name,
    VISII_TABLE: table.name,
    VISII_QUEUE_URLS: queueUrls,
    VISII_WEBHOOK_QUEUE_URL: webhookQueue.url,
    VISII_PUBLIC_URL: router.url,
    VISII_ENVIRONMENT: stage.keys,
  },
} as const;
