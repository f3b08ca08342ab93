/**
 * Pointers to ended jobs. It has no dead-letter queue: the job's run stays due, so the sweeper settles the job of a
 * lost message.
 */
export const settlementQueue = new sst.aws.Queue("Settlements", {
  // Six times the consumer's timeout, as AWS recommends for Lambda.
  visibilityTimeout: "6 minutes",
  transform: { queue: { messageRetentionSeconds: 600 } },
});

export const putOnSettlementQueue = { actions: ["sqs:SendMessage"], resources: [settlementQueue.arn] };
