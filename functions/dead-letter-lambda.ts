/**
 * Lambda entry point with the dead-letter queues as event sources (`ReportBatchItemFailures`). It resends or
 * drops each message, depending on its job's row.
 */
import { z } from "zod";
import { readEdgeConfig } from "./config.ts";
import { openEdge } from "./open-edge.ts";
import { handleDeadLetter } from "./sweep/dead-letters.ts";

const { sweep: ports } = openEdge(readEdgeConfig());

/** The used fields of an SQS event. */
const eventSchema = z.object({ Records: z.array(z.object({ messageId: z.string(), body: z.string() })) });

/** Returns the messages to retry. */
export async function handler(
  event: unknown,
): Promise<{ readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] }> {
  const { Records } = eventSchema.parse(event);
  const failed = await Promise.all(
    Records.map(async ({ messageId, body }) => {
      try {
        await handleDeadLetter(ports, body);
        return [];
      } catch (error) {
        ports.log.error("a dead-letter message could not be handled", { message: messageId, error });
        return [{ itemIdentifier: messageId }];
      }
    }),
  );
  return { batchItemFailures: failed.flat() };
}
