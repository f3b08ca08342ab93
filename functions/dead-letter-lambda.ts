/**
 * Lambda entry point with the dead-letter queues as event sources. It resends or drops each message,
 * depending on its job's row.
 */
import { readEdgeConfig } from "./config.ts";
import { openEdge } from "./open-edge.ts";
import { createSqsHandler } from "./sqs-handler.ts";
import { handleDeadLetter } from "./sweep/dead-letters.ts";

const { sweep: ports } = openEdge(readEdgeConfig());

export const handler = createSqsHandler(
  (body) => handleDeadLetter(ports, body),
  ports.log,
  "a dead-letter message could not be handled",
);
