import { z } from "zod";
import { defined } from "../shared/defined.ts";
import { metrics } from "../shared/metrics.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { JobQueue } from "../shared/ports/job-queue.ts";
import type { Log } from "../shared/ports/log.ts";
import type { Table } from "../shared/ports/table.ts";
import type { QueueName } from "../shared/queue-timing.ts";
import { parseRow, rowKeys } from "../shared/rows.ts";
import type { AutoScalingGroups } from "./auto-scaling-groups.ts";
import type { EcsServices } from "./ecs-services.ts";
import { type PoolName, type PoolSize, type Purchase, purchases, queuesOf, scalingPolicy } from "./policy.ts";
import { type Decision, decide, type PoolState, poolStateSchema } from "./rules.ts";

interface DeployedPool extends PoolSize {
  /** Names of its ECS services. */
  readonly services: Readonly<Record<Purchase, string>>;
  /** Names of its Auto Scaling groups; Fargate has none. */
  readonly groups?: Readonly<Record<Purchase, string>> | undefined;
}

export interface ScalerPorts {
  readonly pools: Readonly<Record<PoolName, DeployedPool>>;
  readonly queues: Readonly<Record<QueueName, Pick<JobQueue, "depth">>>;
  readonly services: Pick<EcsServices, "count" | "resize">;
  readonly groups: Pick<AutoScalingGroups, "raise">;
  readonly table: Pick<Table, "get" | "insert" | "replace">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Facts that the caller has already observed. */
interface Hints {
  /** Messages that the caller has just counted. SQS's next count may miss them. */
  readonly seen?: Readonly<Partial<Record<QueueName, number>>>;
  /** AWS reported that it has no Spot capacity. */
  readonly spotRefused?: boolean;
}

/** Milliseconds. */
export const lockTiming = {
  /** Validity of a lock on a pool. It is longer than the function's timeout. */
  lease: 30_000,
  /** Between two attempts to take a lock. */
  retry: 500,
} as const;

const rowSchema = z.object({
  /** Milliseconds since 1970. The holder of the lock has the row's version. */
  lockedUntil: z.number(),
  /** State written by another version of this code is ignored. */
  state: poolStateSchema.optional().catch(undefined),
});

/** State left by a pool's last run. */
export async function readState(table: Pick<Table, "get">, pool: PoolName): Promise<PoolState | undefined> {
  const row = await table.get(rowKeys.scaler(pool));
  return row && parseRow(rowSchema, row).data.state;
}

/**
 * Reads a pool, decides, and resizes its ECS services. It can be called at any time and repeatedly: a resize
 * that failed is repeated by the next call. A lock lets one caller run at a time; others wait for it.
 *
 * @throws AWS's error, before any decision; the next run catches up
 */
export async function scalePool(pool: PoolName, ports: ScalerPorts, hints: Hints = {}): Promise<Decision> {
  const { clock, log, services, table } = ports;
  const { services: names, groups, ...size } = ports.pools[pool];
  const { version, state } = await lock(pool, ports);
  let next = state;
  try {
    const [spot, onDemand] = await services.count([names.spot, names.onDemand]);
    if (!spot || !onDemand) throw new Error("internal: a service was not counted");
    const workers = { spot, onDemand };
    const depths = await Promise.all(
      queuesOf(pool).map(async (queue) => [queue, await ports.queues[queue].depth()] as const),
    );
    const visible = Object.fromEntries(
      depths.map(([queue, depth]) => [queue, Math.max(depth.visible, hints.seen?.[queue] ?? 0)]),
    );
    const inFlight = Object.fromEntries(depths.map(([queue, depth]) => [queue, depth.inFlight]));
    const reading = { visible, inFlight, workers, spotRefused: hints.spotRefused ?? false };
    const rules = { policy: scalingPolicy[pool], size };
    const decision = decide(pool, reading, state, rules, clock.now() / 1000);
    next = decision.state;
    log.info("pool scaled", {
      reason: decision.reason,
      workers,
      requested: decision.workers,
      visible,
      in_flight: inFlight,
      spot_refused: reading.spotRefused,
      ...metrics(
        {
          WorkersWanted: [next.wanted, "Count"],
          WorkersRunning: [spot.running + onDemand.running, "Count"],
        },
        { Pool: pool },
        clock.now(),
      ),
    });
    for (const purchase of purchases) {
      const [before, after] = [workers[purchase].desired, decision.workers[purchase]];
      if (before === after) continue;
      await services.resize(names[purchase], after);
      if (groups && after > before) await requestMachines(groups[purchase], after, ports);
    }
    return decision;
  } finally {
    const data = { lockedUntil: 0, ...defined({ state: next }) };
    await table.replace({ ...rowKeys.scaler(pool), data }, version);
  }
}

/** A failure delays the machines by about a minute, until ECS's managed scaling requests them. */
async function requestMachines(group: string, machines: number, { groups, log }: ScalerPorts): Promise<void> {
  try {
    await groups.raise(group, machines);
  } catch (error) {
    log.error("machines could not be requested; ECS requests them", { group, machines, error });
  }
}

/** Waits for the pool's lock. A lock whose holder crashed expires. */
async function lock(
  pool: PoolName,
  { table, clock }: ScalerPorts,
): Promise<{ readonly version: number; readonly state: PoolState | undefined }> {
  const key = rowKeys.scaler(pool);
  for (;;) {
    const row = await table.get(key);
    const known = row && parseRow(rowSchema, row).data;
    const now = clock.now();
    if (!known || known.lockedUntil <= now) {
      const state = known?.state;
      const data = { lockedUntil: now + lockTiming.lease, ...defined({ state }) };
      const taken = await (row
        ? table.replace({ ...key, data }, row.version)
        : table.insert({ ...key, data }));
      if (taken !== "conflict") return { version: taken.version, state };
    }
    await clock.sleep(lockTiming.retry);
  }
}
