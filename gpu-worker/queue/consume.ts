import type { ReceivedMessage } from "../../shared/ports/job-queue.ts";
import type { HeldMessage } from "./held-message.ts";
import { Inbox, type InboxOptions } from "./inbox.ts";

/**
 * What becomes of a message: `"done"` and `"discard"` (with a line in the log) take it off the queue, `retryAfter` gives it back
 * for so many seconds, `"abandon"` leaves it to whoever has it now.
 */
export type Acknowledgement = "done" | "discard" | "abandon" | { readonly retryAfter: number };

interface ConsumeOptions extends InboxOptions {
  /** Must honour `signal`: it aborts when the worker stops or the message was lost to another. */
  handle(message: ReceivedMessage, signal: AbortSignal): Promise<Acknowledgement>;
  /**
   * Messages with the same key may be handled at the same time, if they wait right behind one another; those without a key are
   * handled alone. Nothing is taken ahead when this is absent.
   */
  batchKey?(message: ReceivedMessage): Promise<string | undefined>;
  /** Messages handled at the same time at most. */
  readonly together?: number;
}

/** Takes one message at a time, or a batch of a kind, until `signal` aborts; resolves when the last one is dealt with. */
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
      log.error("the queue is out of reach", { error });
      await clock.sleep(1000, signal);
    }
  }
  await inbox.close();
}

/** Goes on taking messages while they are of the first one's kind. The first that is not is dealt with next. */
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
      // Those in hand are not to wait for a queue that is out of reach.
      options.log.error("the queue is out of reach", { error });
      return undefined;
    });
    if (!next) break;
    if ((await keyOf(options, next)) !== key) {
      inbox.keep(next);
      break;
    }
    batch.push(next);
  }
  return batch;
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
