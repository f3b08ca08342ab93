/**
 * Lambda entry point for the table's stream. It starts webhook deliveries and new batches as soon as their
 * rows are inserted, instead of at the sweeper's next run. Subscribe it to inserted rows whose sort key
 * starts with `dlv#` or `bat#`. A row that fails here stays due, and the sweeper retries it.
 */
import { z } from "zod";
import { toIso } from "../shared/ports/clock.ts";
import { readEdgeConfig } from "./config.ts";
import { openEdge } from "./open-edge.ts";
import { handleRow } from "./sweep/sweep.ts";

const { sweep: ports } = openEdge(readEdgeConfig());

const text = z.object({ S: z.string() });
/** The used fields of a DynamoDB stream event. */
const eventSchema = z.object({
  Records: z.array(z.object({ dynamodb: z.object({ Keys: z.object({ pk: text, sk: text }) }) })),
});

export async function handler(event: unknown): Promise<void> {
  const { Records } = eventSchema.parse(event);
  await Promise.all(
    Records.map(async ({ dynamodb: { Keys } }) => {
      // Read the current row; the stream's copy is older.
      const key = { pk: Keys.pk.S, sk: Keys.sk.S };
      const row = await ports.table.get(key);
      if (row?.due !== undefined && row.due <= toIso(ports.clock.now()))
        await handleRow(ports, { ...key, due: row.due });
    }),
  );
}
