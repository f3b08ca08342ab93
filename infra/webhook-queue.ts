/**
 * Pointers to due deliveries. It has no dead-letter queue: the row stays due, so a lost message is sent again after
 * five minutes.
 */
export const webhookQueue = new sst.aws.Queue("Webhooks", {
  // Six times the consumer's timeout, as AWS recommends for Lambda.
  visibilityTimeout: "6 minutes",
  transform: { queue: { messageRetentionSeconds: 600 } },
});

export const putOnWebhookQueue = { actions: ["sqs:SendMessage"], resources: [webhookQueue.arn] };
