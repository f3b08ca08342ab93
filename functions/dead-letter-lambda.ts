/**
 * Entry point of the dead-letter queues as a Lambda function with those queues as event sources (`ReportBatchItemFailures`): a
 * message that was delivered too often is sent again or dropped, as its job's row says.
 */
import { z } from "zod";
import { readEdgeConfig } from "./config.ts";
import { openEdge } from "./open-edge.ts";
import { bury } from "./sweep/bury-dead.ts";

const { sweep: ports } = openEdge(readEdgeConfig());

/** A batch of SQS messages, as far as it is read. */
const eventSchema = z.object({ Records: z.array(z.object({ messageId: z.string(), body: z.string() })) });

/** Names the messages that must come again. */
export async function handler(
  event: unknown,
): Promise<{ readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] }> {
  const { Records } = eventSchema.parse(event);
  const failed = await Promise.all(
    Records.map(async ({ messageId, body }) => {
      try {
        await bury(ports, body);
        return [];
      } catch (error) {
        ports.log.error("a dead message could not be dealt with", { message: messageId, error });
        return [{ itemIdentifier: messageId }];
      }
    }),
  );
  return { batchItemFailures: failed.flat() };
}
