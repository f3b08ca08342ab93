import type { QueueName } from "../../shared/queue-timing.ts";

/** A job and what became of it. Times in seconds since the beginning. */
export interface Job {
  readonly queue: QueueName;
  readonly queuedAt: number;
  /** Seconds of a worker that does nothing else. */
  readonly work: number;
  /** Of these, what a saved state keeps. */
  saved: number;
  /** Work done and lost with machines, seconds. */
  lost: number;
  attempts: number;
  startedAt: number | undefined;
  finishedAt: number | undefined;
}

export const createJob = (queue: QueueName, queuedAt: number, work: number): Job => ({
  ...{ queue, queuedAt, work, saved: 0, lost: 0, attempts: 0 },
  ...{ startedAt: undefined, finishedAt: undefined },
});
