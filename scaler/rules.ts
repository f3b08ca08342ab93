import { z } from "zod";
import { defined } from "../shared/defined.ts";
import type { QueueName } from "../shared/queue-timing.ts";
import {
  lookPeriod,
  type PoolName,
  type PoolPolicy,
  type PoolSize,
  type Purchase,
  pools,
  queuesOf,
  reckonedSeconds,
  surplusStep,
} from "./policy.ts";

/** How many workers a pool shall have. Deployment and simulation both decide here; nothing else does. */

type Counts = Readonly<Partial<Record<QueueName, number>>>;

/** Messages of a pool's queues. Approximate, as SQS counts. */
export interface Messages {
  /** That nobody has taken. */
  readonly visible: Counts;
  /** That workers hold. */
  readonly inFlight: Counts;
}

/** What is seen of a pool at one look. */
interface PoolReading extends Messages {
  /** Workers by how they are paid for: asked of ECS, and at work. */
  readonly workers: Readonly<Record<Purchase, { readonly desired: number; readonly running: number }>>;
}

/** What one look leaves for the next. Times are seconds since 1970. */
export const memorySchema = z.object({
  wanted: z.number().int().nonnegative(),
  lookedAt: z.number(),
  surplusSince: z.number().optional(),
  idleSince: z.number().optional(),
  /** Since when Spot owes workers and has brought none. */
  shortSince: z.number().optional(),
  spotRunning: z.number().int().nonnegative(),
  /** Workers on demand in the place of ones that Spot owes. */
  fallback: z.number().int().nonnegative(),
});
export type Memory = z.infer<typeof memorySchema>;

export interface Decision {
  readonly workers: Readonly<Record<Purchase, number>>;
  readonly why: "wake" | "track" | "shed" | "rest" | "bounds" | "keep";
  readonly memory: Memory;
}

const sum = (pool: PoolName, counts: Counts, weight: (queue: QueueName) => number): number =>
  queuesOf(pool).reduce((total, queue) => total + (counts[queue] ?? 0) * weight(queue), 0);

/** Messages waiting or in work. */
const messagesOf = (pool: PoolName, { visible, inFlight }: Messages): number =>
  sum(pool, visible, () => 1) + sum(pool, inFlight, () => 1);

/** Workers for which the backlog is the target each; never fewer than now. From zero too: one message wakes one. */
function trackTo(pool: PoolName, wanted: number, { visible }: Messages, policy: PoolPolicy): number {
  const backlog = sum(pool, visible, (queue) => reckonedSeconds[queue]);
  return Math.max(wanted, Math.ceil(backlog / policy.targetWait));
}

/**
 * Share of the lanes wanted that have work or will have. A lane that holds several messages (`VISII_BATCH`) counts as several,
 * so that workers go later than they might, not earlier.
 */
const busyShare = (pool: PoolName, wanted: number, messages: Messages): number =>
  messagesOf(pool, messages) / (wanted * pools[pool].lanes.length);

/** After a surplus that lasted: some fewer, but one stays. Which ones go is ECS's choice among those without work. */
const shedTo = (wanted: number): number =>
  Math.max(Math.min(wanted, 1), wanted - Math.max(1, Math.floor(wanted * surplusStep)));

/** Looks further apart than this prove nothing about the time between them. */
const longestGap = 2.5 * lookPeriod;

/**
 * Decides from one look and from what the one before left. Idleness and surplus count only while every look finds them, so a
 * count that is wrong once takes no worker away.
 *
 * @param now seconds since 1970
 */
export function decide(
  pool: PoolName,
  reading: PoolReading,
  before: Memory | undefined,
  { policy, size }: { readonly policy: PoolPolicy; readonly size: PoolSize },
  now: number,
): Decision {
  const { spot, onDemand } = reading.workers;
  const had = before?.wanted ?? spot.desired + onDemand.desired;
  const known = before && now - before.lookedAt <= longestGap ? before : undefined;
  const since = (holds: boolean, earlier: number | undefined) => (holds ? (earlier ?? now) : undefined);
  const lasted = (from: number | undefined, seconds: number) => from !== undefined && now - from >= seconds;

  const idleSince = since(messagesOf(pool, reading) === 0, known?.idleSince);
  const isSurplus = had > 1 && busyShare(pool, had, reading) < policy.surplusShare;
  let surplusSince = since(isSurplus, known?.surplusSince);

  let wanted = trackTo(pool, had, reading, policy);
  let why: Decision["why"] = wanted === had ? "keep" : had === 0 ? "wake" : "track";
  if (had > 0 && lasted(idleSince, policy.idleAfter)) [wanted, why] = [0, "rest"];
  else if (lasted(surplusSince, policy.surplusAfter)) {
    [wanted, why] = [shedTo(had), "shed"];
    surplusSince = now;
  }
  const bounded = Math.min(size.maximum, Math.max(size.minimum, wanted));
  if (bounded === had) why = "keep";
  else if (bounded !== wanted && why === "keep") why = "bounds";

  const base = Math.min(bounded, size.onDemandBase);
  const owed = Math.max(0, bounded - base - spot.running);
  const brought = spot.running > (known?.spotRunning ?? spot.running);
  const shortSince = since(owed > 0, brought ? now : known?.shortSince);
  const fallback = lasted(shortSince, policy.spotPatience) ? owed : Math.min(owed, before?.fallback ?? 0);
  return {
    workers: { spot: bounded - base, onDemand: base + fallback },
    why,
    memory: {
      ...{ wanted: bounded, lookedAt: now, spotRunning: spot.running, fallback },
      ...defined({ surplusSince, idleSince, shortSince }),
    },
  };
}
