/**
 * Lambda entry point with the webhook queue as event source. Only this function calls callers' URLs, so that
 * slow receivers delay nothing else.
 */
import { readEdgeConfig } from "./config.ts";
import { openEdge } from "./open-edge.ts";
import { createSqsHandler } from "./sqs-handler.ts";
import { deliverMessage } from "./webhooks/delivery-queue.ts";

const { deliveries: ports } = openEdge(readEdgeConfig());

export const handler = createSqsHandler(
  (body) => deliverMessage(ports, body),
  ports.log,
  "a webhook could not be delivered",
);
