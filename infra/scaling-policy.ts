import type { QueueName } from "../shared/queue-timing.ts";
import { workerTimes } from "./worker-times.ts";

/**
 * The numbers by which workers come and go, and the rules as functions. `scaling.ts` writes the same rules as alarms and
 * policies of AWS; a simulation runs them as they stand here. Nothing else decides how many workers there are.
 */

/**
 * Groups of workers, each a service of its own with its own capacity, so that one group's work never adds machines to
 * another. Lanes are what one worker does side by side (`VISII_LANES`).
 */
export const pools = {
  interactive: { lanes: [["interactive"], ["learning"]] },
  bulk: { lanes: [["bulk"]] },
} as const satisfies Record<string, { readonly lanes: readonly (readonly QueueName[])[] }>;
export type PoolName = keyof typeof pools;
export const poolNames = Object.keys(pools) as readonly PoolName[];

/** The queues a pool serves. */
export const queuesOf = (pool: PoolName): readonly QueueName[] => pools[pool].lanes.flat();

/** Seconds of a worker's time that one message of a queue is reckoned at: how a backlog of unlike work becomes one number. */
export const reckonedSeconds: Readonly<Record<QueueName, number>> = {
  interactive: workerTimes.gpuEdit.seconds,
  learning: workerTimes.gpuLearning.seconds,
  bulk: workerTimes.gpuEdit.seconds,
};

/** Seconds unless the name says otherwise. */
export interface PoolPolicy {
  /** Work waiting for each worker, in seconds of its time, that tracking holds: above it workers are added. */
  readonly targetWait: number;
  /** Between two additions. */
  readonly outCooldown: number;
  /** Share of lanes with work below which a worker too many is taken away, gently; the last one stays. */
  readonly surplusShare: number;
  /** For how long lanes must have been idle so. */
  readonly surplusAfter: number;
  /** Without any message, visible or in flight, until all go that may. */
  readonly idleAfter: number;
}

export const scalingPolicy: Readonly<Record<PoolName, PoolPolicy>> = {
  // Somebody waits: a second caller within minutes shall find a worker.
  interactive: { targetWait: 40, outCooldown: 60, surplusShare: 0.5, surplusAfter: 300, idleAfter: 600 },
  // Nobody waits, but a night is short. Of a batch at most `batchPace.window` lines are with the queue: this over that many
  // lines' seconds is how many workers they can ask for.
  bulk: { targetWait: 240, outCooldown: 120, surplusShare: 0.5, surplusAfter: 300, idleAfter: 120 },
};

/** An empty machine stays so long (fixed by ECS's managed scaling: 15 readings). A worker that comes meanwhile finds it warm. */
export const machineIdleAfter = 900;

/** Seconds of one reading of the queues' depths: CloudWatch's finest for SQS. */
export const metricPeriod = 60;
/** Readings in a row above the target before tracking adds workers (fixed by Application Auto Scaling). */
export const trackingReadings = 3;
/** Share of workers taken away at once for surplus; at least one. */
export const surplusStep = 0.25;

/** What the alarms see of a pool at one reading. */
export interface PoolReading {
  /** Messages by queue that nobody has taken. */
  readonly visible: Readonly<Partial<Record<QueueName, number>>>;
  /** Messages by queue that workers hold. */
  readonly inFlight: Readonly<Partial<Record<QueueName, number>>>;
  /** Workers wanted now, started or not. */
  readonly desired: number;
}

const sum = (pool: PoolName, counts: PoolReading["visible"], weight: (queue: QueueName) => number): number =>
  queuesOf(pool).reduce((total, queue) => total + (counts[queue] ?? 0) * weight(queue), 0);

/** Seconds of a worker's time that wait in the pool's queues. */
export const backlogSeconds = (pool: PoolName, { visible }: PoolReading): number =>
  sum(pool, visible, (queue) => reckonedSeconds[queue]);

/** Messages waiting or in work. */
export const messages = (pool: PoolName, { visible, inFlight }: PoolReading): number =>
  sum(pool, visible, () => 1) + sum(pool, inFlight, () => 1);

/**
 * Steps of waking from zero: workers by the backlog found, in multiples of the target. A ratio to workers is undefined at
 * zero workers, so a burst gets at once what tracking would reach by and by.
 */
export const wakeSteps: readonly { readonly fromTargets: number; readonly workers: number }[] = [
  { fromTargets: 0, workers: 1 },
  { fromTargets: 4, workers: 2 },
  { fromTargets: 16, workers: 4 },
  { fromTargets: 64, workers: 8 },
];

/** From zero: workers for the backlog; 0 where there is none. Not yet bound by the maximum. */
export function wakeTo(pool: PoolName, reading: PoolReading, policy = scalingPolicy[pool]): number {
  const backlog = backlogSeconds(pool, reading);
  if (reading.desired > 0 || backlog <= 0) return reading.desired;
  const targets = backlog / policy.targetWait;
  return wakeSteps.findLast(({ fromTargets }) => targets >= fromTargets)?.workers ?? 1;
}

/** Above zero: workers at which the backlog for each is the target; never fewer than now. */
export function trackTo(pool: PoolName, reading: PoolReading, policy = scalingPolicy[pool]): number {
  const { desired } = reading;
  if (desired < 1) return desired;
  return Math.max(desired, Math.ceil(backlogSeconds(pool, reading) / policy.targetWait));
}

/**
 * Share of the lanes wanted that have work or will have. A lane that holds several messages (`VISII_BATCH`) counts as several,
 * so that workers go later than they might, not earlier.
 */
export const busyShare = (pool: PoolName, reading: PoolReading): number =>
  reading.desired < 1 ? 1 : messages(pool, reading) / (reading.desired * pools[pool].lanes.length);

/** After a surplus that lasted: some fewer, but one stays. Which ones go is ECS's choice among those without work. */
export function shedTo({ desired }: PoolReading): number {
  return Math.max(Math.min(desired, 1), desired - Math.max(1, Math.floor(desired * surplusStep)));
}
