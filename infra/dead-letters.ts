import { edgeFunction } from "./edge-function.ts";
import { queueNames, queues } from "./queues.ts";
import { useRows } from "./table.ts";

/** Marks the jobs of dead messages as failed and tells whoever waits for them. One function, three queues. */
export const gravedigger = new sst.aws.Function("DeadLetters", {
  ...edgeFunction,
  handler: "functions/dead-letter-lambda.handler",
  description: "Ends the jobs that no worker could finish.",
  memory: "512 MB",
  timeout: "60 seconds",
  permissions: [
    useRows,
    {
      actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
      resources: queueNames.map((name) => queues[name].dead.arn),
    },
  ],
});

for (const name of queueNames)
  queues[name].dead.subscribe(gravedigger.arn, { batch: { size: 10, partialResponses: true } });
