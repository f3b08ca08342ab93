import type { JobQueue } from "../../shared/ports/job-queue.ts";
import { HeldMessage, type HoldOptions } from "./held-message.ts";

export interface InboxOptions extends HoldOptions {
  /** In order of preference: a later one's message is taken when the earlier are empty. */
  readonly queues: readonly JobQueue[];
}

/**
 * What comes in from several queues. While nothing is at hand all of them are waited at, each with its own long poll, so
 * whatever comes first starts at once. A poll that is still out when work begins is not cut off, because what it was about to
 * bring would be lost until its visibility ends; what it does bring goes back for others to take, and never waits behind
 * the work in hand.
 */
export class Inbox {
  readonly #options: InboxOptions;
  /** Those that are out, by their queue. They never reject. */
  readonly #polls = new Map<JobQueue, Promise<void>>();
  /** At hand and not begun. */
  readonly #kept: HeldMessage[] = [];
  #failure: { readonly error: unknown } | undefined;
  /** Somebody waits for the next message. */
  #idle = false;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** The next message, or undefined when a poll's time has passed without one. @throws what a queue throws */
  async next(): Promise<HeldMessage | undefined> {
    const { queues, signal, timing } = this.#options;
    this.#idle = true;
    try {
      for (const queue of queues) {
        if (signal.aborted || this.#kept.some((held) => held.queue === queue)) break;
        // A queue that a poll is still out at is empty, or the poll would have come back.
        const held = this.#polls.has(queue) ? undefined : await this.receive(queue, 0);
        if (held) {
          this.#kept.push(held);
          break;
        }
      }
      if (!this.#kept.length && !signal.aborted) {
        for (const queue of queues)
          if (!this.#polls.has(queue)) this.#polls.set(queue, this.#poll(queue, timing.poll));
        await Promise.race(this.#polls.values());
      }
      return signal.aborted ? undefined : await this.#takePreferred();
    } finally {
      this.#idle = false;
    }
  }

  /** One look at one queue. */
  async receive(queue: JobQueue, waitSeconds: number): Promise<HeldMessage | undefined> {
    const { timing, signal } = this.#options;
    const [message] = await queue.receive({
      ...{ maximum: 1, waitSeconds, visibilitySeconds: timing.visibility, signal },
    });
    return message && new HeldMessage(this.#options, queue, message);
  }

  /** Taken too early: its turn comes before any other of its queue. */
  keep(held: HeldMessage): void {
    this.#kept.push(held);
  }

  /** Waits for what is still out, and gives back what is at hand: the next worker may have it at once. */
  async close(): Promise<void> {
    await Promise.all(this.#polls.values());
    await Promise.all(this.#kept.splice(0).map((held) => this.#unlessItFails(() => held.giveBack(0))));
  }

  async #poll(queue: JobQueue, seconds: number): Promise<void> {
    try {
      const held = await this.receive(queue, seconds);
      if (held && this.#idle) this.#kept.push(held);
      else if (held) await this.#setAside(held);
    } catch (error) {
      this.#failure = { error };
    } finally {
      this.#polls.delete(queue);
    }
  }

  /** What is at hand of other queues does not wait for this worker. */
  async #takePreferred(): Promise<HeldMessage | undefined> {
    const { queues } = this.#options;
    const [first, ...others] = this.#kept
      .splice(0)
      .sort((a, b) => queues.indexOf(a.queue) - queues.indexOf(b.queue));
    for (const held of others) {
      if (held.queue === first?.queue) this.#kept.push(held);
      else await this.#setAside(held);
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure && !first) throw failure.error;
    return first;
  }

  /**
   * Gives a message to whoever is free: as a new one, because deliveries are counted and being passed over is no failure. One
   * that was tried before stays at hand, so that its count goes on.
   */
  async #setAside(held: HeldMessage): Promise<void> {
    if (held.message.receiveCount > 1 || this.#options.signal.aborted) return void this.#kept.push(held);
    const isSent = await this.#unlessItFails(() => held.queue.send(held.message.body));
    if (isSent) await this.#unlessItFails(() => held.delete());
    else this.#kept.push(held);
  }

  async #unlessItFails(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#options.log.error("a message could not be given back", { error });
      return false;
    }
  }
}
