import { bucket } from "./bucket.ts";
import { queueUrls } from "./queues.ts";
import { router } from "./router.ts";
import { stage } from "./stage.ts";
import { table } from "./table.ts";
import { webhookQueue } from "./webhook-queue.ts";

const retention = { 7: "1 week", 14: "2 weeks", 30: "1 month", 90: "3 months" } as const;

/** Defaults of all functions: Node on Arm. */
export const functionDefaults = {
  runtime: "nodejs22.x",
  architecture: "arm64",
  logging: { retention: retention[stage.logDays] },
  // SST's default trust policy lets the whole account assume the role, for `sst dev`.
  transform: {
    role: { assumeRolePolicy: aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" }) },
  },
} as const;

/** Reserved concurrency, so that event streams cannot use up the account's concurrency. */
export const reserved = (runs: number) => (stage.reserves ? { concurrency: { reserved: runs } } : {});

/** Defaults of the edge's functions, with the environment that `functions/config.ts` reads. */
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
