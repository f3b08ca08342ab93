import type { Clock } from "../../shared/ports/clock.ts";
import type { JobQueue, ReceivedMessage } from "../../shared/ports/job-queue.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { QueueTiming } from "../../shared/queue-timing.ts";

/**
 * What becomes of a message: `"done"` and `"discard"` (with a line in the log) take it off the queue, `retryAfter` gives it back
 * for so many seconds, `"abandon"` leaves it to whoever has it now.
 */
export type Acknowledgement = "done" | "discard" | "abandon" | { readonly retryAfter: number };

export interface ConsumeOptions {
  /** In order of preference: a later one is asked when the earlier are empty. */
  readonly queues: readonly JobQueue[];
  /** Must honour `signal`: it aborts when the worker stops or the message was lost to another. */
  handle(message: ReceivedMessage, signal: AbortSignal): Promise<Acknowledgement>;
  readonly timing: QueueTiming;
  readonly clock: Clock;
  readonly log: Log;
  /** Stops the loop: no message more, and the one in hand is told. */
  readonly signal: AbortSignal;
}

/** Says why a signal aborted: the worker is told to stop. */
export class WorkerStopping extends Error {
  override readonly name = "WorkerStopping";
}
/** The message could not be held, so another worker may have it. */
export class MessageLost extends Error {
  override readonly name = "MessageLost";
}

/** Takes one message at a time until `signal` aborts; resolves when the last one is dealt with. */
export async function consume(options: ConsumeOptions): Promise<void> {
  const { log, clock, signal } = options;
  while (!signal.aborted) {
    try {
      const next = await receiveNext(options);
      if (next) await deal(options, next.queue, next.message);
    } catch (error) {
      if (signal.aborted) return;
      log.error("the queue is out of reach", { error });
      await clock.sleep(1000, signal);
    }
  }
}

async function receiveNext({ queues, timing, signal }: ConsumeOptions) {
  for (const [index, queue] of queues.entries()) {
    // Only the last is waited at, and briefly when others could fill meanwhile.
    const last = index === queues.length - 1;
    const waitSeconds = last ? (queues.length > 1 ? 1 : timing.poll) : 0;
    const [message] = await queue.receive({
      ...{ maximum: 1, waitSeconds, visibilitySeconds: timing.visibility, signal },
    });
    if (message) return { queue, message };
    if (signal.aborted) return undefined;
  }
  return undefined;
}

async function deal(options: ConsumeOptions, queue: JobQueue, message: ReceivedMessage): Promise<void> {
  const { log, signal, timing } = options;
  const lost = new AbortController();
  const over = new AbortController();
  const stop = () => lost.abort(new WorkerStopping("the worker stops"));
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const beating = holdMessage(options, queue, message, lost, over.signal);
  let acknowledgement: Acknowledgement;
  try {
    acknowledgement = await options.handle(message, lost.signal);
  } catch (error) {
    log.error("a message could not be handled", { error });
    acknowledgement = { retryAfter: timing.backoffFirst };
  } finally {
    over.abort();
    signal.removeEventListener("abort", stop);
    await beating;
  }
  if (acknowledgement === "abandon") return;
  if (acknowledgement === "discard")
    log.error("a message was discarded", { body: message.body.slice(0, 200) });
  if (typeof acknowledgement === "string") await queue.delete(message.receipt);
  else await queue.extend(message.receipt, Math.round(acknowledgement.retryAfter));
}

/** Keeps the message invisible while it is worked on. */
async function holdMessage(
  { clock, log, timing }: ConsumeOptions,
  queue: JobQueue,
  message: ReceivedMessage,
  lost: AbortController,
  over: AbortSignal,
): Promise<void> {
  let heldUntil = clock.now() + timing.visibility * 1000;
  while (!over.aborted) {
    await clock.sleep(timing.heartbeat * 1000, over);
    if (over.aborted) return;
    try {
      await queue.extend(message.receipt, timing.visibility);
      heldUntil = clock.now() + timing.visibility * 1000;
    } catch (error) {
      log.error("a message could not be held", { error });
      if (clock.now() + timing.heartbeat * 1000 >= heldUntil) return lost.abort(new MessageLost("not held"));
    }
  }
}
