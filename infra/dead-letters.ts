import { edgeFunction, reserved } from "./edge-function.ts";
import { putOnQueues, queueNames, queues } from "./queues.ts";
import { useRows } from "./table.ts";

/** Handles the messages of all three dead-letter queues, depending on their jobs' rows. */
export const deadLetterConsumer = new sst.aws.Function("DeadLetters", {
  ...edgeFunction,
  ...reserved(5),
  handler: "functions/dead-letter-lambda.handler",
  description: "Handles messages that were delivered too often.",
  memory: "512 MB",
  timeout: "60 seconds",
  permissions: [
    useRows,
    // A queued job gets a new message.
    putOnQueues(queueNames),
    {
      actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
      resources: queueNames.map((name) => queues[name].dead.arn),
    },
  ],
});

for (const name of queueNames)
  queues[name].dead.subscribe(deadLetterConsumer.arn, { batch: { size: 10, partialResponses: true } });
