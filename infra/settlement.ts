import { consumerOf, subscribe } from "./consumer.ts";
import { reserved } from "./edge-function.ts";
import { settlementQueue } from "./settlement-queue.ts";

/** Maximum concurrency, with up to ten jobs each. */
const maxRuns = 5;

/**
 * Settles ended jobs: charges them and stores their webhook deliveries, for which workers have no permission.
 */
export const settlement = new sst.aws.Function("Settlement", {
  ...consumerOf([settlementQueue]),
  ...reserved(maxRuns),
  handler: "functions/settlement-lambda.handler",
  description: "Settles ended jobs.",
});

subscribe(settlementQueue, settlement, maxRuns);
