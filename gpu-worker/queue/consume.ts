import type { ReceivedMessage } from "../../shared/ports/job-queue.ts";
import type { HeldMessage } from "./held-message.ts";
import { Inbox, type InboxOptions } from "./inbox.ts";

/**
 * How to acknowledge a message. `"done"` deletes it. `retryAfter` makes it visible again after that many
 * seconds. `"abandon"` leaves it to the worker that holds it now.
 */
export type Acknowledgement = "done" | "abandon" | { readonly retryAfter: number };

interface ConsumeOptions extends InboxOptions {
  /** Must observe `signal`, which aborts when the worker stops or loses the message to another worker. */
  handle(message: ReceivedMessage, signal: AbortSignal): Promise<Acknowledgement>;
  /**
   * Consecutive messages with the same key may be handled together; messages without a key are handled alone.
   * Without this function, no message is received in advance.
   */
  batchKey?(message: ReceivedMessage): Promise<string | undefined>;
  /** Maximum messages handled together. */
  readonly together?: number;
}

/**
 * Handles messages one at a time, or in batches, until `signal` aborts. Resolves when the last one is
 * handled.
 */
export async function consume(options: ConsumeOptions): Promise<void> {
  const { log, clock, signal } = options;
  const inbox = new Inbox(options);
  while (!signal.aborted) {
    try {
      const first = await inbox.next();
      if (!first) continue;
      const batch = await takeMore(options, inbox, first);
      await Promise.all(batch.map((held) => deal(options, held)));
    } catch (error) {
      if (signal.aborted) break;
      log.error("the queue is unreachable", { error });
      await clock.sleep(1000, signal);
    }
  }
  await inbox.close();
}

/** Receives messages while they have the first one's key. The first other message is passed on. */
async function takeMore(
  options: ConsumeOptions,
  inbox: Inbox,
  first: HeldMessage,
): Promise<readonly HeldMessage[]> {
  const { together = 1, signal } = options;
  const batch = [first];
  const key = together > 1 ? await keyOf(options, first) : undefined;
  while (key !== undefined && batch.length < together && !signal.aborted) {
    const next = await inbox.receive(first.queue, 0).catch((error: unknown) => {
      // Received messages must not wait for an unreachable queue.
      options.log.error("the queue is unreachable", { error });
      return undefined;
    });
    if (!next) break;
    if ((await keyOf(options, next)) !== key) {
      await inbox.passOn(next);
      break;
    }
    batch.push(next);
  }
  return batch;
}

/** An error counts as no key; the handler will fail the same way and decide what to do. */
async function keyOf({ batchKey, log }: ConsumeOptions, { message }: HeldMessage) {
  try {
    return await batchKey?.(message);
  } catch (error) {
    log.error("a message's batch key could not be read", { error });
    return undefined;
  }
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
    if (acknowledgement === "abandon") await held.abandon();
    else if (acknowledgement === "done") await held.delete();
    else await held.release(acknowledgement.retryAfter);
  } catch (error) {
    // It is delivered again after its visibility timeout and finds the job's current state.
    log.error("a message could not be acknowledged", { error });
  }
}
