import { z } from "zod";
import type { Log } from "../shared/ports/log.ts";

/** The used fields of an SQS event. */
const eventSchema = z.object({ Records: z.array(z.object({ messageId: z.string(), body: z.string() })) });

/**
 * A Lambda handler for an SQS event source with `ReportBatchItemFailures`: handles the messages concurrently
 * and returns those to retry. @param failure log message for a message that could not be handled
 */
export const createSqsHandler =
  (handle: (body: string) => Promise<void>, log: Log, failure: string) =>
  async (event: unknown): Promise<{ readonly batchItemFailures: readonly { itemIdentifier: string }[] }> => {
    const { Records } = eventSchema.parse(event);
    const failed = await Promise.all(
      Records.map(async ({ messageId, body }) => {
        try {
          await handle(body);
          return [];
        } catch (error) {
          log.error(failure, { message: messageId, error });
          return [{ itemIdentifier: messageId }];
        }
      }),
    );
    return { batchItemFailures: failed.flat() };
  };
