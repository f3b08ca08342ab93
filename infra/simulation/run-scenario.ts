import { SeededRandom } from "../../engine/random/seeded-random.ts";
import type { PoolName } from "../../scaler/policy.ts";
import type { QueueName } from "../../shared/queue-timing.ts";
import { type ServiceTimes, workOf } from "./assumptions.ts";
import { type BatchRules, feedBatch } from "./batch-feeder.ts";
import { EventQueue } from "./event-queue.ts";
import { createJob, type Job } from "./job.ts";
import { Pool, type PoolMoment, type PoolRules } from "./pool.ts";
import { quantile } from "./quantile.ts";
import { requestCost } from "./request-costs.ts";
import { type Arrival, day } from "./traces.ts";

export interface Scenario {
  readonly pool: PoolName;
  readonly rules: PoolRules;
  readonly times: ServiceTimes;
  readonly arrivals: readonly Arrival[];
  /** Lines of a bulk edit, submitted step by step. */
  readonly batch?: { readonly lines: number; readonly at: number; readonly rules: BatchRules };
  readonly seed: number;
  /** Seconds after which unfinished jobs count as lost. */
  readonly longest?: number;
  /** US dollars a second for a machine. */
  readonly prices: { readonly onDemand: number; readonly spot: number };
  /** US dollars a day without jobs. */
  readonly standing: number;
}

interface Waits {
  readonly jobs: number;
  /** Seconds from the queue to the first start. */
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** 95th percentile of the seconds from the queue to the result. */
  readonly finishedP95: number;
}

export interface Outcome {
  readonly waits: Readonly<Partial<Record<QueueName, Waits>>>;
  readonly unfinished: number;
  /** Seconds from the first arrival to the last result. */
  readonly makespan: number;
  readonly machineHours: { readonly onDemand: number; readonly spot: number };
  /** Share of the billed time in which workers computed. */
  readonly utilisation: number;
  /** US dollars for the day: machines, including idle ones, and requests with NAT. */
  readonly cost: { readonly machines: number; readonly requests: number };
  /** US dollars per job: its share of the machines by seconds of work, and its requests. */
  readonly costOf: { readonly thousandEdits: number; readonly learning: number };
  /** Interrupted machines, repeated jobs, lost seconds of work. */
  readonly spot: { readonly losses: number; readonly repeated: number; readonly lostSeconds: number };
  readonly history: readonly PoolMoment[];
}

/** Runs a scenario until all jobs are done. The same seed gives the same result. */
export function runScenario(scenario: Scenario): Outcome {
  const { pool: name, rules, times, arrivals, batch, seed, longest = 8 * day } = scenario;
  const events = new EventQueue();
  const pool = new Pool(name, events, new SeededRandom(seed, "machines"), rules);
  const random = new SeededRandom(seed, "work");
  const jobs: Job[] = [];
  const put = (queue: QueueName) => {
    const job = createJob(queue, events.now, times[workOf[queue]] * spread(times.variation, random));
    jobs.push(job);
    pool.put(job);
  };
  for (const { at, queue } of arrivals) events.schedule(at, () => put(queue));
  if (batch)
    feedBatch(events, batch.rules, batch, { submit: () => put("bulk"), settled: () => pool.done.length });
  const total = arrivals.length + (batch?.lines ?? 0);
  const last = Math.max(arrivals.at(-1)?.at ?? 0, batch?.at ?? 0);
  // Machines that are idle until midnight are billed too.
  let until = Math.max(1, Math.ceil(last / day)) * day;
  events.runUntil(until);
  for (; pool.done.length < total && until < longest; until += 3600) events.runUntil(until + 3600);

  const paid = pool.machines.paid();
  const machines = paid.onDemand * scenario.prices.onDemand + paid.spot * scenario.prices.spot;
  const days = until / day;
  const requests = pool.done.reduce((sum, { queue }) => sum + requestCost(queue), 0);
  const first = Math.min(arrivals[0]?.at ?? Number.POSITIVE_INFINITY, batch?.at ?? Number.POSITIVE_INFINITY);
  const seconds = (kind: "edit" | "learn") =>
    pool.done.reduce((sum, { queue, work }) => sum + (workOf[queue] === kind ? work : 0), 0);
  const counts = (kind: "edit" | "learn") => pool.done.filter(({ queue }) => workOf[queue] === kind).length;
  const all = seconds("edit") + seconds("learn");
  const costOf = (kind: "edit" | "learn", queue: QueueName) =>
    counts(kind) ? (machines * seconds(kind)) / all / counts(kind) + requestCost(queue) : Number.NaN;
  return {
    waits: Object.fromEntries(
      [...new Set(jobs.map(({ queue }) => queue))].map((queue) => [queue, waitsOf(pool.done, queue)]),
    ),
    unfinished: total - pool.done.length,
    makespan: pool.done.reduce((latest, { finishedAt = 0 }) => Math.max(latest, finishedAt), 0) - first,
    machineHours: { onDemand: paid.onDemand / 3600, spot: paid.spot / 3600 },
    utilisation: pool.busySeconds / (paid.onDemand + paid.spot),
    cost: { machines, requests: requests + days * scenario.standing },
    costOf: {
      thousandEdits: 1000 * costOf("edit", batch ? "bulk" : "interactive"),
      learning: costOf("learn", "learning"),
    },
    spot: {
      losses: pool.machines.losses,
      repeated: jobs.reduce((sum, { attempts }) => sum + Math.max(0, attempts - 1), 0),
      lostSeconds: jobs.reduce((sum, { lost }) => sum + lost, 0),
    },
    history: pool.history,
  };
}

/** Log-normal with mean 1. */
function spread(variation: number, random: SeededRandom): number {
  const variance = Math.log(1 + variation ** 2);
  return Math.exp(Math.sqrt(variance) * random.normal() - variance / 2);
}

function waitsOf(done: readonly Job[], queue: QueueName): Waits {
  const own = done.filter((job) => job.queue === queue);
  // Typed arrays sort several times faster than arrays with a comparison function.
  const sorted = (of: (job: Job) => number) => Float64Array.from(own, of).sort();
  const waits = sorted(({ queuedAt, startedAt = queuedAt }) => startedAt - queuedAt);
  const sojourns = sorted(({ queuedAt, finishedAt = queuedAt }) => finishedAt - queuedAt);
  return {
    jobs: own.length,
    mean: waits.reduce((sum, wait) => sum + wait, 0) / waits.length,
    p50: quantile(waits, 0.5),
    p95: quantile(waits, 0.95),
    p99: quantile(waits, 0.99),
    finishedP95: quantile(sojourns, 0.95),
  };
}
