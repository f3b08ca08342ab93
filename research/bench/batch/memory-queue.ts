import type { JobQueue, QueueDepth, ReceivedMessage } from "../../../shared/ports/job-queue.ts";

/** A queue that delivers each message once, in order. */
export class MemoryQueue implements JobQueue {
  #bodies: string[] = [];

  async send(body: string): Promise<void> {
    this.#bodies.push(body);
  }
  async sendAll(bodies: readonly string[]): Promise<void> {
    this.#bodies.push(...bodies);
  }
  async receive({ maximum }: { readonly maximum: number }): Promise<readonly ReceivedMessage[]> {
    return this.#bodies.splice(0, maximum).map((body) => ({ body, receipt: "", receiveCount: 1 }));
  }
  async extend(): Promise<void> {}
  async delete(): Promise<void> {}
  async depth(): Promise<QueueDepth> {
    return { visible: this.#bodies.length, inFlight: 0, delayed: 0 };
  }
  /** Removes and returns all messages. */
  drain(): readonly string[] {
    const bodies = this.#bodies;
    this.#bodies = [];
    return bodies;
  }
}
