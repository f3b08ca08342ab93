import { z } from "zod";
import { metrics } from "../shared/metrics.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { JobQueue } from "../shared/ports/job-queue.ts";
import type { Log } from "../shared/ports/log.ts";
import type { Table } from "../shared/ports/table.ts";
import type { QueueName } from "../shared/queue-timing.ts";
import { parseRow, rowKeys } from "../shared/rows.ts";
import type { EcsServices } from "./ecs-services.ts";
import { type PoolName, type PoolSize, type Purchase, purchases, queuesOf, scalingPolicy } from "./policy.ts";
import { type Decision, decide, type Memory, memorySchema } from "./rules.ts";

/** A pool as it is deployed. */
interface DeployedPool extends PoolSize {
  /** ECS's names of its services. */
  readonly services: Readonly<Record<Purchase, string>>;
}

export interface ScalerPorts {
  readonly pools: Readonly<Record<PoolName, DeployedPool>>;
  readonly queues: Readonly<Record<QueueName, Pick<JobQueue, "depth">>>;
  readonly services: Pick<EcsServices, "count" | "resize">;
  readonly table: Pick<Table, "get" | "insert" | "replace">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Messages of queues that somebody has seen already. */
type Seen = Readonly<Partial<Record<QueueName, number>>>;

/** Milliseconds. */
export const turnTiming = {
  /** For how long a pool is one scaler's alone: longer than its function may run. */
  turn: 30_000,
  /** Between two looks whether another's turn is over. */
  look: 500,
} as const;

const rowSchema = z.object({
  /** Milliseconds since 1970; whose turn it is has the row's version. */
  turnUntil: z.number(),
  /** One that another version of this code left is as good as none. */
  memory: memorySchema.optional().catch(undefined),
});

/** What the last decision about a pool left behind. */
export async function recall(table: Pick<Table, "get">, pool: PoolName): Promise<Memory | undefined> {
  const row = await table.get(rowKeys.scaler(pool));
  return row && parseRow(rowSchema, row).data.memory;
}

/**
 * Looks at a pool, decides and asks ECS for as many workers. What an earlier look failed to ask for is asked for again, so it
 * may be called at any time and any number of times. One caller at a time; another waits until that one's turn is over.
 *
 * @throws what AWS answered; nothing is decided then, and the next look makes up for it
 */
export async function scalePool(pool: PoolName, ports: ScalerPorts, seen: Seen = {}): Promise<Decision> {
  const { clock, log, services, table } = ports;
  const { services: names, ...size } = ports.pools[pool];
  const { version, memory } = await takeTurn(pool, ports);
  let next = memory;
  try {
    const [spot, onDemand] = await services.count([names.spot, names.onDemand]);
    if (!spot || !onDemand) throw new Error("internal: a service was not counted");
    const workers = { spot, onDemand };
    const depths = await Promise.all(
      queuesOf(pool).map(async (queue) => [queue, await ports.queues[queue].depth()] as const),
    );
    const visible = Object.fromEntries(
      depths.map(([queue, depth]) => [queue, Math.max(depth.visible, seen[queue] ?? 0)]),
    );
    const inFlight = Object.fromEntries(depths.map(([queue, depth]) => [queue, depth.inFlight]));
    const rules = { policy: scalingPolicy[pool], size };
    const decision = decide(pool, { visible, inFlight, workers }, memory, rules, clock.now() / 1000);
    next = decision.memory;
    log.info("a pool was looked at", {
      ...{ why: decision.why, workers, asked: decision.workers, visible, in_flight: inFlight },
      ...metrics(
        {
          WorkersWanted: [next.wanted, "Count"],
          WorkersRunning: [spot.running + onDemand.running, "Count"],
        },
        { Pool: pool },
        clock.now(),
      ),
    });
    for (const purchase of purchases)
      if (workers[purchase].desired !== decision.workers[purchase])
        await services.resize(names[purchase], decision.workers[purchase]);
    return decision;
  } finally {
    const data = { turnUntil: 0, ...(next ? { memory: next } : {}) };
    await table.replace({ ...rowKeys.scaler(pool), data }, version);
  }
}

/** Waits for a turn. One that somebody died with ends by itself. */
async function takeTurn(
  pool: PoolName,
  { table, clock }: ScalerPorts,
): Promise<{ readonly version: number; readonly memory: Memory | undefined }> {
  const key = rowKeys.scaler(pool);
  for (;;) {
    const row = await table.get(key);
    const known = row && parseRow(rowSchema, row).data;
    const now = clock.now();
    if (!known || known.turnUntil <= now) {
      const memory = known?.memory;
      const data = { turnUntil: now + turnTiming.turn, ...(memory ? { memory } : {}) };
      const taken = await (row
        ? table.replace({ ...key, data }, row.version)
        : table.insert({ ...key, data }));
      if (taken !== "conflict") return { version: taken.version, memory };
    }
    await clock.sleep(turnTiming.look);
  }
}
