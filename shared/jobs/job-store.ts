import type { Clock } from "../ports/clock.ts";
import { toIso } from "../ports/clock.ts";
import type { JobQueue } from "../ports/job-queue.ts";
import type { NewRow, Table } from "../ports/table.ts";
import type { QueueName, QueueTiming } from "../queue-timing.ts";
import { isTerminal } from "../resources/fields.ts";
import { parseRow, rowKeys, updateRow } from "../rows.ts";
import { type Job, type JobMessage, jobSchema, resultsGoAt } from "./job.ts";

export interface JobPorts {
  readonly table: Table;
  readonly queues: Readonly<Record<QueueName, JobQueue>>;
  readonly clock: Clock;
  readonly timing: QueueTiming;
}

/** Jobs as rows: every change is one conditional write, so whoever comes second sees what the first did. */
export class JobStore {
  readonly #ports: JobPorts;
  readonly timing: QueueTiming;

  constructor(ports: JobPorts) {
    this.#ports = ports;
    this.timing = ports.timing;
  }

  async get(account: string, id: string): Promise<Job | undefined> {
    const row = await this.#ports.table.get(rowKeys.resource(account, id));
    return row && parseRow(jobSchema, row).data;
  }

  /** Stores a new job, due for the sweeper until it is queued. A job of that id that is there already stays. */
  async insert(job: Job): Promise<Job> {
    const key = rowKeys.resource(job.account, job.id);
    const due = this.#dueIn(job, this.timing.unqueuedGrace);
    const written = await this.#ports.table.insert({ ...key, data: job, due });
    return written === "conflict" ? ((await this.get(job.account, job.id)) ?? job) : job;
  }

  /** Puts a stored job on its queue; then the sweeper only looks whether the message got lost. */
  async enqueue(job: Job, delaySeconds = 0): Promise<void> {
    const trace = job.trace === undefined ? {} : { trace: job.trace };
    const message: JobMessage = { version: 1, job: job.id, account: job.account, ...trace };
    await this.#ports.queues[job.queue].send(JSON.stringify(message), Math.round(delaySeconds));
    const due = this.#dueIn(job, delaySeconds + this.timing.queuedCheck);
    // A worker that has it already says itself when to look again.
    await this.#ports.table.amend(rowKeys.resource(job.account, job.id), { due }, [
      { path: ["status"], equals: "queued" },
    ]);
  }

  /** One conditional change, tried again until nobody was faster. Undefined leaves the row as it is. */
  async change(
    account: string,
    id: string,
    change: (job: Job) => { readonly job: Job; readonly due?: string } | undefined,
  ): Promise<Job | undefined> {
    const stored = await updateRow(this.#ports.table, rowKeys.resource(account, id), jobSchema, (job) => {
      const changed = change(job);
      return changed && asRow(changed);
    });
    return stored?.data;
  }

  /**
   * Takes a job for `owner`, a name of this one attempt. `"taken"` when another's lease holds, `"over"` when it has ended, undefined when there is none.
   * Whoever held a lease that ran out has lost the job.
   */
  async claim(account: string, id: string, owner: string): Promise<Job | "taken" | "over" | undefined> {
    let outcome = "over" as "claimed" | "taken" | "over";
    const job = await this.change(account, id, (job) => {
      // Ours already: the write before was done and only its answer was lost.
      if (job.status === "running" && job.lease?.owner === owner) {
        outcome = "claimed";
        return undefined;
      }
      outcome = isTerminal(job.status) ? "over" : this.#isHeld(job) ? "taken" : "claimed";
      if (outcome !== "claimed") return undefined;
      return {
        job: {
          ...job,
          status: "running",
          attempt: job.attempt + 1,
          started_at: job.started_at ?? this.#in(0),
          lease: { owner, until: this.#in(this.timing.lease) },
        },
        due: this.#in(this.timing.lease + this.timing.unqueuedGrace),
      };
    });
    return job && (outcome === "claimed" ? job : outcome);
  }

  /**
   * Prolongs the lease and writes down how far the work is. Undefined when `owner` no longer has the job: whoever hears that
   * stops and touches nothing more.
   */
  async renew(
    job: Job,
    owner: string,
    facts: Partial<Pick<Job, "progress" | "results" | "has_preview">> = {},
  ): Promise<Job | undefined> {
    let held = false;
    const now = await this.change(job.account, job.id, (row) => {
      held = row.status === "running" && row.lease?.owner === owner && row.attempt === job.attempt;
      if (!held) return undefined;
      return {
        job: { ...row, ...facts, lease: { owner, until: this.#in(this.timing.lease) } },
        due: this.#in(this.timing.lease + this.timing.unqueuedGrace),
      };
    });
    return held ? now : undefined;
  }

  /** Gives the job back for another attempt; `failure` says why, when something broke. */
  release(job: Job, owner: string, failure?: string): Promise<Job | undefined> {
    return this.change(job.account, job.id, (row) => {
      if (row.lease?.owner !== owner || row.attempt !== job.attempt || isTerminal(row.status))
        return undefined;
      const { lease: _, ...rest } = row;
      return {
        job:
          failure === undefined
            ? { ...rest, status: "queued" }
            : { ...rest, status: "queued", failures: row.failures + 1, last_failure: failure },
        due: this.#in(this.timing.backoffLongest + this.timing.unqueuedGrace),
      };
    });
  }

  /**
   * Ends a job, once: whichever end is written first stands. With `attempt` only that attempt may end it.
   * The row stays due until its conclusion (ledger, webhooks, batch) is done too.
   */
  async end(
    job: Pick<Job, "account" | "id">,
    end: Pick<Job, "status"> & Partial<Pick<Job, "error" | "usage" | "results" | "caption" | "warnings">>,
    attempt?: number,
  ): Promise<Job | undefined> {
    return this.change(job.account, job.id, (row) => {
      if (isTerminal(row.status) || (attempt !== undefined && row.attempt !== attempt)) return undefined;
      const { lease: _, ...rest } = row;
      return {
        job: { ...rest, ...end, finished_at: this.#in(0), concluded: false },
        due: this.#in(this.timing.unqueuedGrace),
      };
    });
  }

  /** Everyone has been told of the end. From now on the row is due only when its results are to go. */
  markConcluded(job: Job): Promise<Job | undefined> {
    return this.change(job.account, job.id, (row) => {
      const gone = resultsGoAt(row);
      return { job: { ...row, concluded: true }, ...(gone === undefined ? {} : { due: gone }) };
    });
  }

  /** The results were deleted. */
  markExpired(job: Job): Promise<Job | undefined> {
    return this.change(job.account, job.id, (row) => ({ job: { ...row, results: [], expired: true } }));
  }

  #isHeld({ lease }: Job): boolean {
    return lease !== undefined && lease.until > this.#in(0);
  }

  /** A waiting job is looked at when its deadline comes, if not before. */
  #dueIn({ cancel_at }: Job, seconds: number): string {
    const due = this.#in(seconds);
    return cancel_at !== undefined && cancel_at < due ? cancel_at : due;
  }

  #in(seconds: number): string {
    return toIso(this.#ports.clock.now() + seconds * 1000);
  }
}

function asRow({ job, due }: { job: Job; due?: string }): Omit<NewRow, "pk" | "sk"> {
  return { data: job, ...(due === undefined ? {} : { due }) };
}
