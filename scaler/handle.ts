import { z } from "zod";
import type { QueueName } from "../shared/queue-timing.ts";
import { type PoolName, poolNames } from "./policy.ts";
import { type ScalerPorts, scalePool } from "./scale-pool.ts";
import { wakePools } from "./wake.ts";

/** Queues that may have a message for a stored row, by prefix of its sort key. */
export const queuesOfRows: Readonly<Record<string, readonly QueueName[]>> = {
  "edt#": ["interactive", "bulk"],
  "ins#": ["learning"],
};

/** The used fields of DynamoDB's stream records. */
const streamSchema = z.object({
  Records: z.array(z.object({ dynamodb: z.object({ Keys: z.object({ sk: z.object({ S: z.string() }) }) }) })),
});

/** Sent by an EventBridge rule when AWS has no Spot capacity for a pool (`infra/scaler.ts`). */
export const spotRefusedSchema = z.object({ spotRefused: z.enum(poolNames as [PoolName]) });
export type SpotRefused = z.infer<typeof spotRefusedSchema>;

/** Handles an event of the table's stream or a Spot refusal. Any other event is one of the schedule. */
export async function handleEvent(event: unknown, ports: ScalerPorts): Promise<void> {
  const stream = streamSchema.safeParse(event).data;
  if (stream) {
    const keys = stream.Records.map(({ dynamodb }) => dynamodb.Keys.sk.S);
    const queues = keys.flatMap((sk) => queuesOfRows[sk.slice(0, sk.indexOf("#") + 1)] ?? []);
    return wakePools([...new Set(queues)], ports);
  }
  const refused = spotRefusedSchema.safeParse(event).data;
  if (refused) {
    await scalePool(refused.spotRefused, ports, { spotRefused: true });
    return;
  }
  // A failure in one pool does not stop the other.
  const outcomes = await Promise.allSettled(poolNames.map((pool) => scalePool(pool, ports)));
  const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  for (const error of failures) ports.log.error("a pool could not be scaled", { error });
  if (failures.length) throw failures[0];
}
