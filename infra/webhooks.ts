import { edgeFunction } from "./edge-function.ts";
import { useRows } from "./table.ts";
import { webhookQueue } from "./webhook-queue.ts";

/** Concurrent runs, of up to ten deliveries each. Limits for each account and host are in the code. */
const mostRuns = 10;

/** Calls the addresses that callers name. Nothing else does, so nothing else waits for their servers. */
export const webhookSender = new sst.aws.Function("WebhookSender", {
  ...edgeFunction,
  handler: "functions/webhook-lambda.handler",
  description: "Sends webhooks.",
  memory: "512 MB",
  timeout: "60 seconds",
  permissions: [
    useRows,
    {
      actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
      resources: [webhookQueue.arn],
    },
  ],
});

webhookQueue.subscribe(webhookSender.arn, {
  batch: { size: 10, partialResponses: true },
  transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: mostRuns } } },
});
