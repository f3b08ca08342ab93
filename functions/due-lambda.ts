/**
 * Entry point of the table's stream as a Lambda function: a webhook's delivery and a new batch are begun as soon as their rows
 * stand, not at the sweeper's next minute. Subscribe it to inserted rows whose sort key begins with `dlv#` or `bat#`. What fails
 * here stays due, so the sweeper has it.
 */
import { z } from "zod";
import { toIso } from "../shared/ports/clock.ts";
import { readEdgeConfig } from "./config.ts";
import { openEdge } from "./open-edge.ts";
import { handleRow } from "./sweep/sweep.ts";

const { sweep: ports } = openEdge(readEdgeConfig());

const text = z.object({ S: z.string() });
/** A batch of DynamoDB stream records, as far as it is read. */
const eventSchema = z.object({
  Records: z.array(z.object({ dynamodb: z.object({ Keys: z.object({ pk: text, sk: text }) }) })),
});

export async function handler(event: unknown): Promise<void> {
  const { Records } = eventSchema.parse(event);
  await Promise.all(
    Records.map(async ({ dynamodb: { Keys } }) => {
      // The row itself, not the stream's copy, which is older.
      const key = { pk: Keys.pk.S, sk: Keys.sk.S };
      const row = await ports.table.get(key);
      if (row?.due !== undefined && row.due <= toIso(ports.clock.now()))
        await handleRow(ports, { ...key, due: row.due });
    }),
  );
}
