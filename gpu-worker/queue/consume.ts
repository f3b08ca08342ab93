import type { Clock } from "../../shared/ports/clock.ts";
import type { JobQueue, ReceivedMessage } from "../../shared/ports/job-queue.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { QueueTiming } from "../../shared/queue-timing.ts";
import { HeldMessage } from "./held-message.ts";

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
  /**
   * Messages with the same key may be handled at the same time, if they wait right behind one another; those without a key are
   * handled alone. Nothing is taken ahead when this is absent.
   */
  batchKey?(message: ReceivedMessage): Promise<string | undefined>;
  /** Messages handled at the same time at most. */
  readonly together?: number;
  readonly timing: QueueTiming;
  readonly clock: Clock;
  readonly log: Log;
  /** Stops the loop: no message more, and the one in hand is told. */
  readonly signal: AbortSignal;
}

/** Takes one message at a time, or a batch of a kind, until `signal` aborts; resolves when the last one is dealt with. */
export async function consume(options: ConsumeOptions): Promise<void> {
  const { log, clock, signal } = options;
  let ahead: HeldMessage | undefined;
  while (!signal.aborted) {
    try {
      const first = ahead ?? (await receiveNext(options));
      ahead = undefined;
      if (!first) continue;
      const taken = await takeMore(options, first);
      ahead = taken.ahead;
      await Promise.all(taken.batch.map((held) => deal(options, held)));
    } catch (error) {
      if (signal.aborted) break;
      log.error("the queue is out of reach", { error });
      await clock.sleep(1000, signal);
    }
  }
  // Taken too early: the next worker may have it at once.
  await ahead
    ?.giveBack(0)
    .catch((error: unknown) => log.error("a message could not be given back", { error }));
}

/** Goes on taking messages while they are of the first one's kind. The first that is not is dealt with next. */
async function takeMore(
  options: ConsumeOptions,
  first: HeldMessage,
): Promise<{ readonly batch: readonly HeldMessage[]; readonly ahead?: HeldMessage }> {
  const { together = 1, signal } = options;
  const batch = [first];
  const key = together > 1 ? await keyOf(options, first) : undefined;
  while (key !== undefined && batch.length < together && !signal.aborted) {
    const next = await receiveFrom(options, first.queue, 0);
    if (!next) break;
    if ((await keyOf(options, next)) !== key) return { batch, ahead: next };
    batch.push(next);
  }
  return { batch };
}

/** A key that cannot be found out is none: the handler will meet the same failure and say what becomes of it. */
async function keyOf({ batchKey, log }: ConsumeOptions, { message }: HeldMessage) {
  try {
    return await batchKey?.(message);
  } catch (error) {
    log.error("a message could not be looked at", { error });
    return undefined;
  }
}

async function receiveNext(options: ConsumeOptions): Promise<HeldMessage | undefined> {
  const { queues, timing, signal } = options;
  for (const [index, queue] of queues.entries()) {
    // Only the last is waited at, and briefly when others could fill meanwhile.
    const last = index === queues.length - 1;
    const held = await receiveFrom(options, queue, last ? (queues.length > 1 ? 1 : timing.poll) : 0);
    if (held || signal.aborted) return held;
  }
  return undefined;
}

async function receiveFrom(
  options: ConsumeOptions,
  queue: JobQueue,
  waitSeconds: number,
): Promise<HeldMessage | undefined> {
  const { timing, signal } = options;
  const [message] = await queue.receive({
    ...{ maximum: 1, waitSeconds, visibilitySeconds: timing.visibility, signal },
  });
  return message && new HeldMessage(options, queue, message);
}

async function deal(options: ConsumeOptions, held: HeldMessage): Promise<void> {
  const { log, timing } = options;
  let acknowledgement: Acknowledgement;
  try {
    acknowledgement = await options.handle(held.message, held.signal);
  } catch (error) {
    log.error("a message could not be handled", { error });
    acknowledgement = { retryAfter: timing.backoffFirst };
  }
  try {
    if (acknowledgement === "abandon") await held.letGo();
    else if (typeof acknowledgement === "string") {
      if (acknowledgement === "discard")
        log.error("a message was discarded", { body: held.message.body.slice(0, 200) });
      await held.delete();
    } else await held.giveBack(acknowledgement.retryAfter);
  } catch (error) {
    // It comes again after its visibility, and finds its job as this handler left it.
    log.error("a message could not be acknowledged", { error });
  }
}
