import type { QueueName } from "../shared/queue-timing.ts";
import { workerTimes } from "./worker-times.ts";

/** Settings of `rules.ts`, used by the deployment and by the simulation. */

/**
 * Pools of workers. Each has its own services and machines, so that one pool's work never adds machines to
 * another. A worker processes its lanes in parallel (`VISII_LANES`).
 */
export const pools = {
  interactive: { lanes: [["interactive"], ["learning"]] },
  bulk: { lanes: [["bulk"]] },
} as const satisfies Record<string, { readonly lanes: readonly (readonly QueueName[])[] }>;
export type PoolName = keyof typeof pools;
export const poolNames = Object.keys(pools) as readonly PoolName[];

/** The queues that a pool serves. */
export const queuesOf = (pool: PoolName): readonly QueueName[] => pools[pool].lanes.flat();

/** Purchase options. Each pool has one service per option. */
export type Purchase = "spot" | "onDemand";
export const purchases: readonly Purchase[] = ["spot", "onDemand"];

/** Number of workers in a pool. */
export interface PoolSize {
  /** Workers kept without jobs. 0 costs nothing while idle, but the first job waits for a cold start. */
  readonly minimum: number;
  /** Maximum workers. The account's vCPU quota must allow as many. */
  readonly maximum: number;
  /** Number of the requested workers that always run on demand. */
  readonly onDemandBase: number;
}

/** Estimated seconds of work per message. Converts the messages of different queues into one backlog. */
export const estimatedSeconds: Readonly<Record<QueueName, number>> = {
  interactive: workerTimes.gpuEdit.seconds,
  learning: workerTimes.gpuLearning.seconds,
  bulk: workerTimes.gpuEdit.seconds,
};

/** In seconds, except `surplusShare`. */
export interface PoolPolicy {
  /** Backlog per worker above which workers are added. */
  readonly targetWait: number;
  /** Share of busy lanes below which workers are removed step by step. The last worker stays. */
  readonly surplusShare: number;
  /** How long the share must stay below `surplusShare`. */
  readonly surplusAfter: number;
  /** Time without messages, waiting or in flight, after which all workers above the minimum are removed. */
  readonly idleAfter: number;
  /** Time without a new Spot worker, while some are missing, after which on-demand workers replace them. */
  readonly spotTimeout: number;
}

export const scalingPolicy: Readonly<Record<PoolName, PoolPolicy>> = {
  // Workers are kept for a second caller within minutes.
  interactive: { targetWait: 60, surplusShare: 0.5, surplusAfter: 300, idleAfter: 600, spotTimeout: 300 },
  // At most `batchPace.window` lines of a batch are queued. Their seconds divided by the target limit the
  // workers.
  bulk: { targetWait: 240, surplusShare: 0.5, surplusAfter: 300, idleAfter: 120, spotTimeout: 300 },
};

/**
 * How long ECS keeps an empty machine: 15 readings of one minute. A worker that starts in that time reuses
 * it.
 */
export const machineIdleAfter = 900;

/** Seconds between two scheduled runs of the scaler, the minimum that AWS allows. */
export const schedulePeriod = 60;
/** Share of workers removed per step; at least one worker. */
export const surplusStep = 0.25;
