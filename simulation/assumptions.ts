import type { QueueName } from "../shared/queue-timing.ts";

/**
 * What the simulation believes about the world, in seconds unless the name says otherwise. Where nothing was measured it says
 * so; `npm run simulate -- --edit-seconds … --learn-seconds …` puts an account's own `JobSeconds` in their place.
 */

/** Work that one job means to a worker which does nothing else. */
export interface ServiceTimes {
  readonly edit: number;
  readonly learn: number;
  /** Coefficient of variation of both: pictures and step counts differ. */
  readonly variation: number;
}

/** The bundled model on two CPU cores, as docs/performance.md has it: 300 steps of 2 in 19 s; an edit of 30 ms, and its transfers. */
export const bundledModelOnCpu: ServiceTimes = { edit: 0.3, learn: 19, variation: 0.15 };

/** Seconds from a wish for a worker to its first job, on a machine that must be bought first. None was measured. */
export const coldStart = {
  /** Until managed scaling has seen the task that waits for room. */
  noticed: 45,
  /** Until the machine runs and its agent has registered. */
  machineBoots: 75,
  /** 4 GB of image, compressed. */
  imageIsPulled: 70,
  /** 5 GB of weights from the bucket. */
  weightsAreFetched: 30,
} as const;

/** The same on Fargate, which pulls a smaller image and buys no machine. */
export const fargateStart = { noticed: 10, imageIsPulled: 40, weightsAreFetched: 15 } as const;

/** Until a task on a machine that has image and weights takes jobs: container, graphs, sessions, self-test. Not measured. */
export const taskStarts = 35;

/** Each stage takes between 1 − this and 1 + this of its time. */
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

/** AWS names classes of less than 5 % to more than 20 % of machines a month; this is 10 %. */
export const usualSpot: SpotWeather = { interruptionsAnHour: 0.1 / 730, unannounced: 0.05 };
/** A day on which capacity is short. */
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
