import { z } from "zod";
import { defined } from "../shared/defined.ts";
import type { QueueName } from "../shared/queue-timing.ts";
import {
  estimatedSeconds,
  type PoolName,
  type PoolPolicy,
  type PoolSize,
  type Purchase,
  pools,
  queuesOf,
  schedulePeriod,
  surplusStep,
} from "./policy.ts";

/** Decides the number of workers of a pool. Used by the deployed scaler and by the simulation. */

type Counts = Readonly<Partial<Record<QueueName, number>>>;

/** Messages of a pool's queues. SQS counts are approximate. */
export interface Messages {
  /** Waiting. */
  readonly visible: Counts;
  /** Received by workers and not yet deleted. */
  readonly inFlight: Counts;
}

/** A reading of a pool in one run. */
interface PoolReading extends Messages {
  readonly workers: Readonly<Record<Purchase, { readonly desired: number; readonly running: number }>>;
  /** AWS reported that it has no Spot capacity for a requested worker. */
  readonly spotRefused: boolean;
}

/** State kept from one run to the next. Times are seconds since 1970. */
export const poolStateSchema = z.object({
  wanted: z.number().int().nonnegative(),
  checkedAt: z.number(),
  surplusSince: z.number().optional(),
  idleSince: z.number().optional(),
  /** Time since which Spot workers are missing and none has started. */
  shortSince: z.number().optional(),
  spotRunning: z.number().int().nonnegative(),
  /** On-demand workers that replace missing Spot workers. */
  fallback: z.number().int().nonnegative(),
});
export type PoolState = z.infer<typeof poolStateSchema>;

export interface Decision {
  readonly workers: Readonly<Record<Purchase, number>>;
  readonly reason: "wake" | "scale out" | "scale in" | "idle" | "bounds" | "keep";
  readonly state: PoolState;
}

const sum = (pool: PoolName, counts: Counts, weight: (queue: QueueName) => number): number =>
  queuesOf(pool).reduce((total, queue) => total + (counts[queue] ?? 0) * weight(queue), 0);

/** Number of messages, waiting or in flight. */
const messagesOf = (pool: PoolName, { visible, inFlight }: Messages): number =>
  sum(pool, visible, () => 1) + sum(pool, inFlight, () => 1);

/**
 * Workers needed for a backlog of `targetWait` each; never fewer than now. One message starts a first worker.
 */
function scaleOut(pool: PoolName, wanted: number, { visible }: Messages, policy: PoolPolicy): number {
  const backlog = sum(pool, visible, (queue) => estimatedSeconds[queue]);
  return Math.max(wanted, Math.ceil(backlog / policy.targetWait));
}

/**
 * Messages per lane. A lane that holds several messages (`VISII_BATCH`) counts several times, so workers are
 * removed late rather than early.
 */
const busyShare = (pool: PoolName, wanted: number, messages: Messages): number =>
  messagesOf(pool, messages) / (wanted * pools[pool].lanes.length);

/** Removes one step of workers and keeps the last. ECS stops workers without a job first. */
const scaleIn = (wanted: number): number =>
  Math.max(Math.min(wanted, 1), wanted - Math.max(1, Math.floor(wanted * surplusStep)));

/**
 * Maximum gap between two runs. After a longer one, idleness and surplus are measured again from the start.
 */
const longestGap = 2.5 * schedulePeriod;

/**
 * Decides from one reading and from the previous state. Idleness and surplus must hold in every run, so one
 * wrong count removes no worker.
 *
 * @param now seconds since 1970
 */
export function decide(
  pool: PoolName,
  reading: PoolReading,
  before: PoolState | undefined,
  { policy, size }: { readonly policy: PoolPolicy; readonly size: PoolSize },
  now: number,
): Decision {
  const { spot, onDemand } = reading.workers;
  const had = before?.wanted ?? spot.desired + onDemand.desired;
  const known = before && now - before.checkedAt <= longestGap ? before : undefined;
  const since = (holds: boolean, earlier: number | undefined) => (holds ? (earlier ?? now) : undefined);
  const lasted = (from: number | undefined, seconds: number) => from !== undefined && now - from >= seconds;

  const idleSince = since(messagesOf(pool, reading) === 0, known?.idleSince);
  const isSurplus = had > 1 && busyShare(pool, had, reading) < policy.surplusShare;
  let surplusSince = since(isSurplus, known?.surplusSince);

  let wanted = scaleOut(pool, had, reading, policy);
  let reason: Decision["reason"] = wanted === had ? "keep" : had === 0 ? "wake" : "scale out";
  if (had > 0 && lasted(idleSince, policy.idleAfter)) [wanted, reason] = [0, "idle"];
  else if (lasted(surplusSince, policy.surplusAfter)) {
    [wanted, reason] = [scaleIn(had), "scale in"];
    surplusSince = now;
  }
  const bounded = Math.min(size.maximum, Math.max(size.minimum, wanted));
  if (bounded === had) reason = "keep";
  else if (bounded !== wanted && reason === "keep") reason = "bounds";

  const base = Math.min(bounded, size.onDemandBase);
  const missing = Math.max(0, bounded - base - spot.running);
  const started = spot.running > (known?.spotRunning ?? spot.running);
  const waited = started ? now : known?.shortSince;
  const shortSince = since(missing > 0, reading.spotRefused ? now - policy.spotTimeout : waited);
  const fallback = lasted(shortSince, policy.spotTimeout)
    ? missing
    : Math.min(missing, before?.fallback ?? 0);
  return {
    workers: { spot: bounded - base, onDemand: base + fallback },
    reason,
    state: {
      wanted: bounded,
      checkedAt: now,
      spotRunning: spot.running,
      fallback,
      ...defined({ surplusSince, idleSince, shortSince }),
    },
  };
}
