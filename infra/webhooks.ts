import { consumerOf, subscribe } from "./consumer.ts";
import { webhookQueue } from "./webhook-queue.ts";

/** Sends webhooks. It is a separate function, so that slow receivers delay nothing else. */
export const webhookSender = new sst.aws.Function("WebhookSender", {
  ...consumerOf([webhookQueue]),
  handler: "functions/webhook-lambda.handler",
  description: "Sends webhooks.",
});

// Ten invocations at once, with up to ten deliveries each. The code limits deliveries per account and host.
subscribe(webhookQueue, webhookSender, 10);
