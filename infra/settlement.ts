import { edgeFunction, reserved } from "./edge-function.ts";
import { settlementQueue } from "./settlement-queue.ts";
import { useRows } from "./table.ts";

/** Maximum concurrency, with up to ten jobs each. */
const maxRuns = 5;

/**
 * Settles ended jobs: charges them and stores their webhook deliveries, for which workers have no permission.
 */
export const settlement = new sst.aws.Function("Settlement", {
  ...edgeFunction,
  ...reserved(maxRuns),
  handler: "functions/settlement-lambda.handler",
  description: "Settles ended jobs.",
  memory: "512 MB",
  timeout: "60 seconds",
  permissions: [
    useRows,
    {
      actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
      resources: [settlementQueue.arn],
    },
  ],
});

settlementQueue.subscribe(settlement.arn, {
  batch: { size: 10, partialResponses: true },
  transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: maxRuns } } },
});
