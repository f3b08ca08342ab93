/**
 * Lambda entry point with the webhook queue as event source (`ReportBatchItemFailures`). Only this function
 * calls callers' URLs, so nothing else waits for them.
 */
import { z } from "zod";
import { readEdgeConfig } from "./config.ts";
import { openEdge } from "./open-edge.ts";
import { deliverMessage } from "./webhooks/delivery-queue.ts";

const { deliveries: ports } = openEdge(readEdgeConfig());

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
        await deliverMessage(ports, body);
        return [];
      } catch (error) {
        ports.log.error("a webhook could not be delivered", { message: messageId, error });
        return [{ itemIdentifier: messageId }];
      }
    }),
  );
  return { batchItemFailures: failed.flat() };
}
