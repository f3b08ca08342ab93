import type { QueueName } from "../../shared/queue-timing.ts";

/** A job and its result. Times are seconds since the start. */
export interface Job {
  readonly queue: QueueName;
  readonly queuedAt: number;
  /** Seconds of work on a worker that does nothing else. */
  readonly work: number;
  /** Seconds of work that a checkpoint keeps. */
  saved: number;
  /** Seconds of work lost with machines. */
  lost: number;
  attempts: number;
  startedAt: number | undefined;
  finishedAt: number | undefined;
}

export const createJob = (queue: QueueName, queuedAt: number, work: number): Job => ({
  queue,
  queuedAt,
  work,
  saved: 0,
  lost: 0,
  attempts: 0,
  startedAt: undefined,
  finishedAt: undefined,
});
