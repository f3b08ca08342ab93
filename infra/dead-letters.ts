import { consumerOf, subscribe } from "./consumer.ts";
import { reserved } from "./edge-function.ts";
import { putOnQueues, queueNames, queues } from "./queues.ts";

const deadLetters = queueNames.map((name) => queues[name].dead);

/** Handles the messages of all three dead-letter queues, depending on their jobs' rows. */
export const deadLetterConsumer = new sst.aws.Function("DeadLetters", {
  // A queued job gets a new message.
  ...consumerOf(deadLetters, [putOnQueues(queueNames)]),
  ...reserved(5),
  handler: "functions/dead-letter-lambda.handler",
  description: "Handles messages that were delivered too often.",
});

for (const queue of deadLetters) subscribe(queue, deadLetterConsumer);
