import type { QueueName } from "../../shared/queue-timing.ts";
import { workerTimes } from "../worker-times.ts";

/**
 * What the simulation believes of the world beside the times of `infra/worker-times.ts` and the prices of `infra/machines.ts`, in
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

/** Seconds by which alarms see the queues late: SQS tells CloudWatch once a minute. */
export const metricDelay = 60;

/** How often Spot machines are taken back. */
export interface SpotWeather {
  /** Of one machine, an hour. */
  readonly interruptionsAnHour: number;
  /** Share that goes without the notice being heard. */
  readonly unannounced: number;
}

/** AWS names classes of less than 5 % to more than 20 % of machines a month; 10 % is assumed. */
export const usualSpot: SpotWeather = { interruptionsAnHour: 0.1 / 730, unannounced: 0.05 };
/** A day on which capacity is short; assumed. */
export const stormySpot: SpotWeather = { interruptionsAnHour: 0.2, unannounced: 0.2 };

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
