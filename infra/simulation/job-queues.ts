import type { QueueName } from "../../shared/queue-timing.ts";
import type { Job } from "./job.ts";

/** Jobs that wait, by queue, first come first served; what comes back after a loss goes to the front, as SQS has it oldest. */
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

  /** The first of the first of these queues that has one. */
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
    const found = this.#waiting.get(name);
    if (found) return found;
    const made = { jobs: [], first: 0 };
    this.#waiting.set(name, made);
    return made;
  }
}
