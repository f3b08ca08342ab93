import { type QueueName, queueTiming } from "../shared/queue-timing.ts";

/** A queue and its dead-letter queue. */
function createQueue(name: QueueName) {
  const title = `${name[0]?.toUpperCase()}${name.slice(1)}`;
  const dead = new sst.aws.Queue(`${title}Dead`, {
    // Six times the consumer's timeout, as AWS recommends for Lambda.
    visibilityTimeout: "6 minutes",
    transform: { queue: { messageRetentionSeconds: 14 * 86_400 } },
  });
  const live = new sst.aws.Queue(title, {
    visibilityTimeout: `${queueTiming.visibility} seconds`,
    dlq: { queue: dead.arn, retry: queueTiming.maxReceives },
    transform: {
      queue: {
        receiveWaitTimeSeconds: queueTiming.poll,
        // No message is lost during days without capacity.
        messageRetentionSeconds: 14 * 86_400,
      },
    },
  });
  return { live, dead };
}

export const queues = {
  interactive: createQueue("interactive"),
  learning: createQueue("learning"),
  bulk: createQueue("bulk"),
} satisfies Record<QueueName, unknown>;
export const queueNames = Object.keys(queues) as readonly QueueName[];

/** Value of `VISII_QUEUE_URLS`. */
export const queueUrls = $jsonStringify({
  interactive: queues.interactive.live.url,
  learning: queues.learning.live.url,
  bulk: queues.bulk.live.url,
});

const arns = (names: readonly QueueName[]) => names.map((name) => queues[name].live.arn);

export const putOnQueues = (names: readonly QueueName[]) => ({
  actions: ["sqs:SendMessage"],
  resources: arns(names),
});
/** Permission to count messages, for the queue position of a job. */
export const countQueues = (names: readonly QueueName[]) => ({
  actions: ["sqs:GetQueueAttributes"],
  resources: arns(names),
});
export const takeFromQueues = (names: readonly QueueName[]) => ({
  actions: ["sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage"],
  resources: arns(names),
});
