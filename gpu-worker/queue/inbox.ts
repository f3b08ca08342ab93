import type { JobQueue } from "../../shared/ports/job-queue.ts";
import { HeldMessage, type HoldOptions } from "./held-message.ts";

export interface InboxOptions extends HoldOptions {
  /** In order of preference: a queue's message is taken only if the earlier queues are empty. */
  readonly queues: readonly JobQueue[];
  /** Called whenever no message waits, before the polls for one. */
  onIdle?(): void;
}

/**
 * Receives from several queues. While idle, it long-polls all of them, so the first message starts
 * immediately. A poll that is open when work begins is not aborted, because a message that it was about to
 * return would be invisible until its timeout. Its message is passed on to other workers, so that it does not
 * wait for the current job.
 */
export class Inbox {
  readonly #options: InboxOptions;
  /** Open polls by queue. They never reject. */
  readonly #polls = new Map<JobQueue, Promise<void>>();
  /** Received but not started. */
  readonly #kept: HeldMessage[] = [];
  #failure: { readonly error: unknown } | undefined;
  /** True while `next` waits for a message. */
  #idle = false;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** The next message, or undefined after a poll's time without one. @throws errors of the queues */
  async next(): Promise<HeldMessage | undefined> {
    const { queues, signal, timing } = this.#options;
    this.#idle = true;
    try {
      for (const queue of queues) {
        if (signal.aborted || this.#kept.some((held) => held.queue === queue)) break;
        // A queue with an open poll is empty, because the poll would have returned a message.
        const held = this.#polls.has(queue) ? undefined : await this.receive(queue, 0);
        if (held) {
          this.#kept.push(held);
          break;
        }
      }
      if (!this.#kept.length && !signal.aborted) {
        this.#options.onIdle?.();
        for (const queue of queues)
          if (!this.#polls.has(queue)) this.#polls.set(queue, this.#poll(queue, timing.poll));
        await Promise.race(this.#polls.values());
      }
      return signal.aborted ? undefined : await this.#takePreferred();
    } finally {
      this.#idle = false;
    }
  }

  /** Receives once from one queue. */
  async receive(queue: JobQueue, waitSeconds: number): Promise<HeldMessage | undefined> {
    const { timing, signal } = this.#options;
    const [message] = await queue.receive({
      maximum: 1,
      waitSeconds,
      visibilitySeconds: timing.visibility,
      signal,
    });
    return message && new HeldMessage(this.#options, queue, message);
  }

  /**
   * Makes a message that was received too early visible to other workers, so that it does not wait for the
   * current job. This costs a delivery, so a message that was delivered before is kept instead and comes before
   * any other message of its queue.
   */
  async passOn(held: HeldMessage): Promise<void> {
    const isFirst = held.message.receiveCount === 1;
    if (!isFirst || !(await this.#unlessItFails(() => held.release(0)))) this.#kept.push(held);
  }

  /** Waits for open polls and makes received messages visible to other workers immediately. */
  async close(): Promise<void> {
    await Promise.all(this.#polls.values());
    await Promise.all(this.#kept.splice(0).map((held) => this.#unlessItFails(() => held.release(0))));
  }

  async #poll(queue: JobQueue, seconds: number): Promise<void> {
    try {
      const held = await this.receive(queue, seconds);
      if (held && this.#idle) this.#kept.push(held);
      else if (held) await this.passOn(held);
    } catch (error) {
      this.#failure = { error };
    } finally {
      this.#polls.delete(queue);
    }
  }

  /** Takes the preferred message; messages of other queues do not wait for this worker. */
  async #takePreferred(): Promise<HeldMessage | undefined> {
    const { queues } = this.#options;
    const [first, ...others] = this.#kept
      .splice(0)
      .sort((a, b) => queues.indexOf(a.queue) - queues.indexOf(b.queue));
    for (const held of others) {
      if (held.queue === first?.queue) this.#kept.push(held);
      else await this.passOn(held);
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure && !first) throw failure.error;
    return first;
  }

  async #unlessItFails(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#options.log.error("a message could not be released", { error });
      return false;
    }
  }
}
