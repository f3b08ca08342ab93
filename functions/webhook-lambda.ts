/**
 * Entry point of the webhook queue as a Lambda function with that queue as event source (`ReportBatchItemFailures`): it alone calls
 * addresses that callers name, so that nothing else waits for them.
 */
import { z } from "zod";
import { readEdgeConfig } from "./config.ts";
import { openEdge } from "./open-edge.ts";
import { deliverMessage } from "./webhooks/delivery-queue.ts";

const { deliveries: ports } = openEdge(readEdgeConfig());

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
