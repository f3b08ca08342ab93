/**
 * Pointers to deliveries that are due. It needs no queue of dead letters: the row stays due and says what
 * becomes of it, so a message that is lost is sent again after five minutes.
 */
export const webhookQueue = new sst.aws.Queue("Webhooks", {
  // Six times what its consumer may take, as Lambda asks.
  visibilityTimeout: "6 minutes",
  transform: { queue: { messageRetentionSeconds: 600 } },
});

export const putOnWebhookQueue = { actions: ["sqs:SendMessage"], resources: [webhookQueue.arn] };
