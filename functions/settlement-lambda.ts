/**
 * Lambda entry point with the settlement queue as event source. Workers send a message when a job has ended.
 */
import { readEdgeConfig } from "./config.ts";
import { openEdge } from "./open-edge.ts";
import { settleMessage } from "./settlement/settlement-queue.ts";
import { createSqsHandler } from "./sqs-handler.ts";

const { sweep: ports } = openEdge(readEdgeConfig());

export const handler = createSqsHandler(
  (body) => settleMessage(ports, body),
  ports.log,
  "a job could not be settled",
);
