import { deleteObjects, listObjects, readObjects, writeObjects } from "./bucket.ts";
import { edgeFunction, reserved } from "./edge-function.ts";
import { countQueues, putOnQueues, queueNames } from "./queues.ts";
import { stripeKey } from "./secrets.ts";
import { findDueRows, useRows } from "./table.ts";
import { putOnWebhookQueue } from "./webhook-queue.ts";

/** Whoever mends due rows: has webhooks sent, tells the meter, advances batches, takes away what nobody completed. */
export const sweepPermissions = [
  useRows,
  putOnQueues(queueNames),
  putOnWebhookQueue,
  listObjects,
  readObjects("inputs", "results", "batches", "drops"),
  writeObjects("inputs", "batches"),
  deleteObjects("uploads", "results", "instructions", "batches"),
];

/**
 * Each minute: what is due of bulk edits, of the outbox to the billing meter, of webhooks to repeat, of what crashes left and
 * of uploads to clean up. One schedule for all, because each is a row with a time in the one table.
 */
export const sweeper = new sst.aws.CronV2("Sweep", {
  schedule: "rate(1 minute)",
  function: {
    ...edgeFunction,
    ...reserved(2),
    handler: "functions/sweep-lambda.handler",
    description: "Mends what is due.",
    memory: "512 MB",
    // One ends as the next begins.
    timeout: "60 seconds",
    link: [stripeKey],
    permissions: [...sweepPermissions, findDueRows, countQueues(queueNames)],
  },
  // The next minute is the retry.
  retries: 0,
});
