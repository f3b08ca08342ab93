import { z } from "zod";
import type { QueueName } from "../shared/queue-timing.ts";
import { poolNames } from "./policy.ts";
import { type ScalerPorts, scalePool } from "./scale-pool.ts";
import { wakePools } from "./wake.ts";

/** The queues that a stored row may have a message on, by what its sort key begins with. */
export const queuesOfRows: Readonly<Record<string, readonly QueueName[]>> = {
  "edt#": ["interactive", "bulk"],
  "ins#": ["learning"],
};

/** DynamoDB stream records, as far as they are read. */
const streamSchema = z.object({
  Records: z.array(z.object({ dynamodb: z.object({ Keys: z.object({ sk: z.object({ S: z.string() }) }) }) })),
});

/** An event of the table's stream wakes pools; any other, which is the schedule's, has all looked at. */
export async function handleEvent(event: unknown, ports: ScalerPorts): Promise<void> {
  const stream = streamSchema.safeParse(event).data;
  if (stream) {
    const keys = stream.Records.map(({ dynamodb }) => dynamodb.Keys.sk.S);
    const queues = keys.flatMap((sk) => queuesOfRows[sk.slice(0, sk.indexOf("#") + 1)] ?? []);
    return wakePools([...new Set(queues)], ports);
  }
  // One pool's trouble is not another's.
  const outcomes = await Promise.allSettled(poolNames.map((pool) => scalePool(pool, ports)));
  const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  for (const error of failures) ports.log.error("a pool could not be scaled", { error });
  if (failures.length) throw failures[0];
}
