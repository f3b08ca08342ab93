import type { Clock } from "../../shared/ports/clock.ts";
import type { JobQueue, ReceivedMessage } from "../../shared/ports/job-queue.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { QueueTiming } from "../../shared/queue-timing.ts";

/** Abort reason: the worker is stopping. */
export class WorkerStopping extends Error {
  override readonly name = "WorkerStopping";
}
/** Abort reason: the visibility could not be extended, so another worker may have the message. */
export class MessageLost extends Error {
  override readonly name = "MessageLost";
}

export interface HoldOptions {
  readonly timing: QueueTiming;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborts when the worker stops. */
  readonly signal: AbortSignal;
}

/** A received message. Heartbeats keep it invisible until it is deleted, released or abandoned. */
export class HeldMessage {
  readonly queue: JobQueue;
  readonly message: ReceivedMessage;
  readonly #options: HoldOptions;
  readonly #lost = new AbortController();
  readonly #over = new AbortController();
  readonly #beating: Promise<void>;

  constructor(options: HoldOptions, queue: JobQueue, message: ReceivedMessage) {
    this.#options = options;
    this.queue = queue;
    this.message = message;
    this.#beating = this.#hold();
    options.signal.addEventListener("abort", this.#stop, { once: true });
    if (options.signal.aborted) this.#stop();
  }

  /** Aborts when the worker stops (WorkerStopping) or the message is lost (MessageLost). */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  async delete(): Promise<void> {
    await this.abandon();
    await this.queue.delete(this.message.receipt);
  }

  /** Makes it visible again after `seconds`. */
  async release(seconds: number): Promise<void> {
    await this.abandon();
    await this.queue.extend(this.message.receipt, Math.round(seconds));
  }

  /** Stops the heartbeats and leaves the message to the worker that has it now. */
  async abandon(): Promise<void> {
    this.#over.abort();
    this.#options.signal.removeEventListener("abort", this.#stop);
    await this.#beating;
  }

  readonly #stop = () => this.#lost.abort(new WorkerStopping("the worker stops"));

  async #hold(): Promise<void> {
    const { clock, timing, log } = this.#options;
    const over = this.#over.signal;
    let heldUntil = clock.now() + timing.visibility * 1000;
    while (!over.aborted) {
      await clock.sleep(timing.heartbeat * 1000, over);
      if (over.aborted) return;
      try {
        await this.queue.extend(this.message.receipt, timing.visibility);
        heldUntil = clock.now() + timing.visibility * 1000;
      } catch (error) {
        log.error("a message's visibility could not be extended", { error });
        if (clock.now() + timing.heartbeat * 1000 >= heldUntil)
          return this.#lost.abort(new MessageLost("not held"));
      }
    }
  }
}
