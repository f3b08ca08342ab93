import { edgeFunction } from "./edge-function.ts";
import { useRows } from "./table.ts";

interface Permission {
  readonly actions: string[];
  readonly resources: $util.Input<string>[];
}

/** Settings of a function that handles the messages of some queues. */
export const consumerOf = (queues: readonly sst.aws.Queue[], permissions: readonly Permission[] = []) => ({
  ...edgeFunction,
  memory: "512 MB" as const,
  timeout: "60 seconds" as const,
  permissions: [
    useRows,
    ...permissions,
    {
      actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
      resources: queues.map(({ arn }) => arn),
    },
  ],
});

/** Invokes the function with up to ten messages; those that it reports as failed are retried. */
export function subscribe(queue: sst.aws.Queue, consumer: sst.aws.Function, maxRuns?: number): void {
  queue.subscribe(consumer.arn, {
    batch: { size: 10, partialResponses: true },
    ...(maxRuns === undefined
      ? {}
      : { transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: maxRuns } } } }),
  });
}
