import { edgeFunction } from "./edge-function.ts";
import { useRows } from "./table.ts";
import { webhookQueue } from "./webhook-queue.ts";

/** Maximum concurrency, with up to ten deliveries each. The code limits deliveries per account and host. */
const maxRuns = 10;

/** Sends webhooks. It is a separate function, so that slow receivers delay nothing else. */
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
  transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: maxRuns } } },
});
