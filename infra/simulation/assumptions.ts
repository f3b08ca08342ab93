import { workerTimes } from "../../scaler/worker-times.ts";
import type { QueueName } from "../../shared/queue-timing.ts";

/**
 * Assumptions in addition to `scaler/worker-times.ts` and the prices in `infra/machines.ts`. In seconds, unless
 * the name says otherwise. None is measured.
 */

/** Seconds of work of a job on a worker that does nothing else. */
export interface ServiceTimes {
  readonly edit: number;
  readonly learn: number;
  /** Coefficient of variation of both, because photos and step counts differ. */
  readonly variation: number;
}

/** The bundled model on two CPU cores. */
export const bundledModelOnCpu: ServiceTimes = {
  edit: workerTimes.cpuEdit.seconds,
  learn: workerTimes.cpuLearning.seconds,
  variation: 0.15,
};

/** Each stage of a start takes between 1 − `startSpread` and 1 + `startSpread` of its time. */
export const startSpread = 0.25;

/** Interval at which AWS retries to launch a machine without capacity. */
export const capacityRetry = 60;

/** Behavior of AWS during a day. */
export interface Conditions {
  /** Interruptions per Spot machine and hour. */
  readonly interruptionsAnHour: number;
  /** Share of interruptions without a notice. */
  readonly unannounced: number;
  /** Period without Spot capacity, in seconds since the start. */
  readonly noSpot?: { readonly from: number; readonly until: number };
  /** Age of the queue counts that the scaler reads. */
  readonly countDelay: number;
  /** Share of the scaler's runs that fail because AWS rejects a call. */
  readonly failedRuns: number;
}

/** AWS publishes interruption rates from below 5% to above 20% of machines per month; this assumes 10%. */
export const normal: Conditions = {
  interruptionsAnHour: 0.1 / 730,
  unannounced: 0.05,
  countDelay: 0,
  failedRuns: 0,
};
export const badConditions = {
  "Spot scarce": { ...normal, interruptionsAnHour: 0.2, unannounced: 0.2 },
  "no Spot": { ...normal, noSpot: { from: 0, until: Number.POSITIVE_INFINITY } },
  "counts 2 min old, a third of the scaler's runs fail": { ...normal, countDelay: 120, failedRuns: 1 / 3 },
} as const satisfies Record<string, Conditions>;

/** Between two checkpoints of a learning job (`VISII_SAVE_EVERY`). An unannounced interruption costs at most this. */
export const saveEvery = 10;

/** Between two advances of a batch, with about 50 ms per submitted line. */
export const batchPeriod = 10;

/** Kind of the jobs of each queue. */
export const workOf: Readonly<Record<QueueName, "edit" | "learn">> = {
  interactive: "edit",
  bulk: "edit",
  learning: "learn",
};
