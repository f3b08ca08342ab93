import { workerTimes } from "../../scaler/worker-times.ts";
import type { QueueName } from "../../shared/queue-timing.ts";

/**
 * What the simulation believes of the world beside the times of `scaler/worker-times.ts` and the prices of `infra/machines.ts`, in
 * seconds unless the name says otherwise. Where nothing was measured it says so.
 */

/** Work that one job means to a worker which does nothing else. */
export interface ServiceTimes {
  readonly edit: number;
  readonly learn: number;
  /** Coefficient of variation of both: pictures and step counts differ. */
  readonly variation: number;
}

/** Of the bundled model, on two CPU cores. */
export const bundledModelOnCpu: ServiceTimes = {
  edit: workerTimes.cpuEdit.seconds,
  learn: workerTimes.cpuLearning.seconds,
  variation: 0.15,
};

/** Each stage of a start takes between 1 − this and 1 + this of its time. Assumed. */
export const startSpread = 0.25;

/** Seconds from a stored job to a sleeping pool's first wish: the table's stream, a window of a second, the scaler's calls. Assumed. */
export const wakeDelay = 3;

/** Seconds until a group that found no machine tries again. Assumed. */
export const capacityRetry = 60;

/** What AWS does to a day. */
export interface Weather {
  /** Of one Spot machine, an hour. */
  readonly interruptionsAnHour: number;
  /** Share of them that goes without the notice being heard. */
  readonly unannounced: number;
  /** Seconds since the beginning between which no Spot machine can be had. */
  readonly noSpot?: { readonly from: number; readonly until: number };
  /** Seconds by which the queues' counts are old when the scaler reads them. */
  readonly countsLate: number;
  /** Share of the scaler's looks that come to nothing, because AWS refuses a call. */
  readonly spoiltLooks: number;
}

/** AWS names classes of less than 5 % to more than 20 % of machines a month; 10 % is assumed. */
export const usual: Weather = {
  ...{ interruptionsAnHour: 0.1 / 730, unannounced: 0.05, countsLate: 0, spoiltLooks: 0 },
};
/** Days that go wrong, each in its way; assumed. */
export const badWeather = {
  "Spot scarce": { ...usual, interruptionsAnHour: 0.2, unannounced: 0.2 },
  "no Spot": { ...usual, noSpot: { from: 0, until: Number.POSITIVE_INFINITY } },
  "counts two minutes late, a third of the calls refused": { ...usual, countsLate: 120, spoiltLooks: 1 / 3 },
} as const satisfies Record<string, Weather>;

/** Between two saved states of a learning (`VISII_SAVE_EVERY`): the most that a lost machine costs it. */
export const saveEvery = 10;

/** A look at a running batch, with the lines it hands in at some fifty milliseconds each. */
export const handInSeconds = 10;

/** Which times a queue's jobs take. */
export const workOf: Readonly<Record<QueueName, "edit" | "learn">> = {
  interactive: "edit",
  bulk: "edit",
  learning: "learn",
};
