import type { QueueName } from "../shared/queue-timing.ts";
import { workerTimes } from "./worker-times.ts";

/** The numbers by which workers come and go. `rules.ts` decides by them, in the deployment as in the simulation. */

/**
 * Groups of workers, each with services and capacity of its own, so that one group's work never adds machines to another.
 * Lanes are what one worker does side by side (`VISII_LANES`).
 */
export const pools = {
  interactive: { lanes: [["interactive"], ["learning"]] },
  bulk: { lanes: [["bulk"]] },
} as const satisfies Record<string, { readonly lanes: readonly (readonly QueueName[])[] }>;
export type PoolName = keyof typeof pools;
export const poolNames = Object.keys(pools) as readonly PoolName[];

/** The queues a pool serves. */
export const queuesOf = (pool: PoolName): readonly QueueName[] => pools[pool].lanes.flat();

/** How a worker is paid for: each pool has a service of each kind. */
export type Purchase = "spot" | "onDemand";
export const purchases: readonly Purchase[] = ["spot", "onDemand"];

/** How many workers a pool may have. */
export interface PoolSize {
  /** Workers that stay when there is nothing to do. 0 costs nothing at rest and a cold start of minutes. */
  readonly minimum: number;
  /** The bill's upper bound. Ask AWS for as many vCPUs of the machine's family first. */
  readonly maximum: number;
  /** Of the workers wanted, so many are never on Spot. */
  readonly onDemandBase: number;
}

/** Seconds of a worker's time that one message of a queue is reckoned at: how a backlog of unlike work becomes one number. */
export const reckonedSeconds: Readonly<Record<QueueName, number>> = {
  interactive: workerTimes.gpuEdit.seconds,
  learning: workerTimes.gpuLearning.seconds,
  bulk: workerTimes.gpuEdit.seconds,
};

/** Seconds unless the name says otherwise. */
export interface PoolPolicy {
  /** Work waiting for each worker, in seconds of its time, above which workers are added. */
  readonly targetWait: number;
  /** Share of lanes with work below which a worker too many is taken away, gently; the last one stays. */
  readonly surplusShare: number;
  /** For how long lanes must have been idle so. */
  readonly surplusAfter: number;
  /** Without any message, waiting or in work, until all go that may. */
  readonly idleAfter: number;
  /** Without another worker on Spot, while some are wanted, until machines on demand take their place. */
  readonly spotPatience: number;
}

export const scalingPolicy: Readonly<Record<PoolName, PoolPolicy>> = {
  // Somebody waits: a second caller within minutes shall find a worker.
  interactive: { targetWait: 40, surplusShare: 0.5, surplusAfter: 300, idleAfter: 600, spotPatience: 300 },
  // Nobody waits, but a night is short. Of a batch at most `batchPace.window` lines are with the queue: this over that many
  // lines' seconds is how many workers they can ask for.
  bulk: { targetWait: 240, surplusShare: 0.5, surplusAfter: 300, idleAfter: 120, spotPatience: 300 },
};

/** An empty machine stays so long (fixed by ECS's managed scaling: 15 readings). A worker that comes meanwhile finds it warm. */
export const machineIdleAfter = 900;

/** Seconds between two looks at a pool: the shortest that a schedule of AWS can have. */
export const lookPeriod = 60;
/** Share of workers taken away at once for surplus; at least one. */
export const surplusStep = 0.25;
