import type { QueueName } from "../shared/queue-timing.ts";
import { poolNames, queuesOf } from "./policy.ts";
import { readState, type ScalerPorts, scalePool } from "./scale-pool.ts";

/** Milliseconds before each count. A row is written before its message, and SQS counts the message later. */
const pauses = [0, 2000, 5000] as const;

/**
 * Scales pools without workers as soon as a job for one of their queues is stored. The next scheduled run
 * finds messages that are missed here.
 */
export async function wakePools(queues: readonly QueueName[], ports: ScalerPorts): Promise<void> {
  const concerned = poolNames.filter((pool) => queuesOf(pool).some((queue) => queues.includes(queue)));
  const states = await Promise.all(concerned.map((pool) => readState(ports.table, pool)));
  const asleep = concerned.filter((_, index) => (states[index]?.wanted ?? 0) < 1);
  if (!asleep.length) return;
  for (const pause of pauses) {
    await ports.clock.sleep(pause);
    const depths = await Promise.all(
      queues.map(async (queue) => [queue, await ports.queues[queue].depth()] as const),
    );
    const seen = Object.fromEntries(depths.map(([queue, { visible }]) => [queue, visible]));
    const found = depths.filter(([, { visible, inFlight }]) => visible + inFlight > 0);
    if (!found.length) continue;
    for (const pool of asleep)
      if (queuesOf(pool).some((queue) => seen[queue])) await scalePool(pool, ports, { seen });
    return;
  }
}
