import type { QueueName } from "../shared/queue-timing.ts";
import { poolNames, queuesOf } from "./policy.ts";
import { recall, type ScalerPorts, scalePool } from "./scale-pool.ts";

/** Milliseconds before each look for messages: rows come before their messages, and SQS's counts after both. */
const looks = [0, 2000, 5000] as const;

/**
 * Jobs were stored that are for some of these queues: pools that sleep and have messages are scaled at once. What is not found
 * here is found by the next look of the schedule.
 */
export async function wakePools(queues: readonly QueueName[], ports: ScalerPorts): Promise<void> {
  const concerned = poolNames.filter((pool) => queuesOf(pool).some((queue) => queues.includes(queue)));
  const wanted = await Promise.all(concerned.map((pool) => recall(ports.table, pool)));
  const asleep = concerned.filter((_, index) => (wanted[index]?.wanted ?? 0) < 1);
  if (!asleep.length) return;
  for (const pause of looks) {
    await ports.clock.sleep(pause);
    const depths = await Promise.all(
      queues.map(async (queue) => [queue, await ports.queues[queue].depth()] as const),
    );
    const seen = Object.fromEntries(depths.map(([queue, { visible }]) => [queue, visible]));
    const found = depths.filter(([, { visible, inFlight }]) => visible + inFlight > 0);
    if (!found.length) continue;
    for (const pool of asleep)
      if (queuesOf(pool).some((queue) => seen[queue])) await scalePool(pool, ports, seen);
    return;
  }
}
