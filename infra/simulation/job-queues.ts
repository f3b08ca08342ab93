import type { QueueName } from "../../shared/queue-timing.ts";
import type { Job } from "./job.ts";

/** Waiting jobs, first in, first out. A job of a lost worker returns to the front, because it is the oldest. */
export class JobQueues {
  readonly #waiting = new Map<QueueName, { jobs: Job[]; first: number }>();

  put(job: Job): void {
    this.#of(job.queue).jobs.push(job);
  }

  putBack(job: Job): void {
    const queue = this.#of(job.queue);
    if (queue.first > 0) queue.jobs[--queue.first] = job;
    else queue.jobs.unshift(job);
  }

  /** Removes the oldest job of the first of these queues that is not empty. */
  take(names: readonly QueueName[]): Job | undefined {
    for (const name of names) {
      const queue = this.#of(name);
      const job = queue.jobs[queue.first];
      if (!job) continue;
      queue.first++;
      if (queue.first > 1024) {
        queue.jobs.splice(0, queue.first);
        queue.first = 0;
      }
      return job;
    }
    return undefined;
  }

  count(name: QueueName): number {
    const { jobs, first } = this.#of(name);
    return jobs.length - first;
  }

  #of(name: QueueName): { jobs: Job[]; first: number } {
    const known = this.#waiting.get(name);
    if (known) return known;
    const created = { jobs: [], first: 0 };
    this.#waiting.set(name, created);
    return created;
  }
}
