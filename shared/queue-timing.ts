/** Separate queues, so that bulk edits do not delay interactive ones and learning does not delay edits. */
export const queueNames = {
  interactive: "visii-interactive",
  learning: "visii-learning",
  bulk: "visii-bulk",
} as const;
export type QueueName = keyof typeof queueNames;

/** Seconds unless the name says otherwise. Infrastructure and worker read the same numbers. */
export const queueTiming = {
  /** Visibility timeout. */
  visibility: 60,
  /** Interval of extending visibility and lease; three may fail before another worker takes the job. */
  heartbeat: 15,
  /** Duration of a lease. A worker that does not renew it in time loses the job. At most `visibility`. */
  lease: 60,
  /** Duration of a long poll. */
  poll: 20,
  /** Deliveries before a message moves to the dead-letter queue. */
  maxReceives: 6,
  /** Failed attempts after which a job fails, counted in its row, not by deliveries. */
  maxFailures: 5,
  /**
   * Number of crashes of the compute process after which a job fails, because its input is the likely cause.
   */
  maxKills: 2,
  /** Initial backoff; doubles with each attempt, with jitter. */
  backoffFirst: 2,
  backoffLongest: 300,
  /** The sweeper queues a stored job that has not been queued for this long. */
  unqueuedGrace: 30,
  /** Interval of checking a queued job. If its queue is empty, its message was lost and is sent again. */
  queuedCheck: 900,
  /** After this time in the queue, a job's message is sent again even if the queue is not empty. */
  queuedLongest: 6 * 3600,
} as const;
export type QueueTiming = { readonly [Name in keyof typeof queueTiming]: number };

/** Seconds to wait before attempt `attempt + 1`. `jitter` in [0, 1) spreads them over the upper half. */
export function backoffSeconds(attempt: number, jitter: number, timing: QueueTiming = queueTiming): number {
  const full = Math.min(timing.backoffLongest, timing.backoffFirst * 2 ** Math.max(0, attempt - 1));
  return full * (0.5 + jitter / 2);
}
