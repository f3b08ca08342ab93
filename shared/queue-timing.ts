/** One queue for each kind of wait: bulk work never delays a person, and learning never delays editing. */
export const queueNames = {
  interactive: "visii-interactive",
  learning: "visii-learning",
  bulk: "visii-bulk",
} as const;
export type QueueName = keyof typeof queueNames;

/** Seconds unless the name says otherwise. Infrastructure and worker read the same numbers. */
export const queueTiming = {
  /** A message not extended for this long is delivered again. */
  visibility: 60,
  /** Between two extensions of visibility and lease; three may fail before the job changes hands. */
  heartbeat: 15,
  /** A worker silent for this long has lost the job. Not longer than visibility. */
  lease: 60,
  /** Of one long poll. */
  poll: 20,
  /** Deliveries before a message moves to the dead-letter queue. */
  maximumReceives: 6,
  /** Failed attempts after which a job fails. The job's row counts them; deliveries do not matter. */
  maximumFailures: 5,
  /** Attempts after which a job fails whose computing process died each time: its input is the likely cause. */
  maximumKills: 2,
  /** First wait before another attempt; doubles each time, with jitter. */
  backoffFirst: 2,
  backoffLongest: 300,
  /** A stored job not queued for this long is queued by the sweeper. */
  unqueuedGrace: 30,
  /** A queued job is checked again after this long. If its queue is empty, its message was lost and is sent again. */
  queuedCheck: 900,
  /** A job queued for this long is sent again though its queue is not empty. */
  queuedLongest: 6 * 3600,
} as const;
export type QueueTiming = { readonly [Name in keyof typeof queueTiming]: number };

/** Seconds to wait before attempt `attempt + 1`; `jitter` in [0, 1) spreads it over the upper half. */
export function backoffSeconds(attempt: number, jitter: number, timing: QueueTiming = queueTiming): number {
  const full = Math.min(timing.backoffLongest, timing.backoffFirst * 2 ** Math.max(0, attempt - 1));
  return full * (0.5 + jitter / 2);
}
