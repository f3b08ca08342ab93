import { objectFolders } from "../shared/object-keys.ts";
import { deleteObjects, listObjects, readObjects, writeObjects } from "./bucket.ts";
import { edgeFunction, reserved } from "./edge-function.ts";
import { countQueues, putOnQueues, queueNames } from "./queues.ts";
import { stripeKey } from "./secrets.ts";
import { findDueRows, useRows } from "./table.ts";
import { putOnWebhookQueue } from "./webhook-queue.ts";

/**
 * Permissions to handle due rows: queue webhooks, report charges, advance batches, delete incomplete uploads.
 */
export const sweepPermissions = [
  useRows,
  putOnQueues(queueNames),
  putOnWebhookQueue,
  listObjects,
  readObjects("inputs", "results", "batches", "drops"),
  writeObjects("inputs", "batches"),
  // Expired uploads, deleted batches and closed accounts.
  deleteObjects(...objectFolders),
];

/**
 * Runs every minute and handles all due rows: batches, charges, webhook retries, repairs after crashes, and
 * incomplete uploads.
 */
export const sweeper = new sst.aws.CronV2("Sweep", {
  schedule: "rate(1 minute)",
  function: {
    ...edgeFunction,
    ...reserved(2),
    handler: "functions/sweep-lambda.handler",
    description: "Handles due rows.",
    memory: "512 MB",
    // Until the next invocation starts.
    timeout: "60 seconds",
    link: [stripeKey],
    permissions: [...sweepPermissions, findDueRows, countQueues(queueNames)],
  },
  // The next run, a minute later, is the retry.
  retries: 0,
});
