import { defined } from "../defined.ts";
import type { ErrorCode } from "../error-codes.ts";
import { mapConcurrently } from "../map-concurrently.ts";
import { lifetimes } from "../object-keys.ts";
import type { Clock } from "../ports/clock.ts";
import { toIso } from "../ports/clock.ts";
import type { JobQueue } from "../ports/job-queue.ts";
import type { NewRow, Table, Write } from "../ports/table.ts";
import type { QueueName, QueueTiming } from "../queue-timing.ts";
import { isTerminal } from "../resources/fields.ts";
import { parseRow, rowKeys, updateRow } from "../rows.ts";
import { countBytes } from "../totals.ts";
import { type Job, type JobFacts, type JobMessage, jobSchema, resultsGoAt, storedBytes } from "./job.ts";
import { usageAtEnd } from "./usage-at-end.ts";

interface JobPorts {
  readonly table: Table;
  readonly queues: Readonly<Record<QueueName, JobQueue>>;
  readonly clock: Clock;
  readonly timing: QueueTiming;
}

/** Concurrent writes. */
const insertsAtOnce = 16;

/** Jobs as rows. Every change is one conditional write, so concurrent writers see each other's changes. */
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

  /** The row of a new job, due for the sweeper until it is queued. */
  newRow(job: Job): NewRow {
    const due = this.#dueIn(job, this.timing.unqueuedGrace);
    return { ...rowKeys.resource(job.account, job.id), data: job, due };
  }

  /** Stores a new job unless its ID exists. */
  async insert(job: Job): Promise<Job> {
    const written = await this.#ports.table.insert(this.newRow(job));
    return written === "conflict" ? ((await this.get(job.account, job.id)) ?? job) : job;
  }

  /**
   * Stores new jobs with one write each and enqueues them; existing jobs are only enqueued. Callers must
   * repeat a call that rejects, because the rows become due only when a lost message would be noticed.
   */
  async submitAll(jobs: readonly Job[]): Promise<void> {
    await mapConcurrently(insertsAtOnce, jobs, (job) => {
      const data: Job = { ...job, enqueued_at: this.#in(0) };
      const due = this.#dueIn(job, this.timing.queuedCheck);
      return this.#ports.table.insert({ ...rowKeys.resource(job.account, job.id), data, due });
    });
    for (const queue of new Set(jobs.map((job) => job.queue))) {
      const members = jobs.filter((job) => job.queue === queue);
      await this.#ports.queues[queue].sendAll(members.map((job) => JSON.stringify(messageOf(job))));
    }
  }

  /** Sends a stored job's message. After that, the sweeper only checks for a lost message. */
  async enqueue(job: Job, delaySeconds = 0): Promise<void> {
    await this.#ports.queues[job.queue].send(JSON.stringify(messageOf(job)), Math.round(delaySeconds));
    const due = this.#dueIn(job, delaySeconds + this.timing.queuedCheck);
    // If a worker has claimed the job in the meantime, it has set the due time.
    await this.#ports.table.amend(
      rowKeys.resource(job.account, job.id),
      { set: [[["enqueued_at"], this.#in(0)]], due },
      [{ path: ["status"], equals: "queued" }],
    );
  }

  /**
   * Sends a queued job's message again if it was lost: it was never sent, the queue is empty, or it has
   * waited for hours. Otherwise it only schedules the next check, because scaling would count a second
   * message as another job.
   */
  async enqueueIfLost(job: Job): Promise<void> {
    const { queuedLongest, queuedCheck } = this.timing;
    const isLost =
      job.enqueued_at === undefined ||
      job.enqueued_at <= this.#in(-queuedLongest) ||
      (await this.#isEmpty(job.queue));
    if (isLost) return this.enqueue(job);
    await this.#ports.table.amend(
      rowKeys.resource(job.account, job.id),
      { due: this.#dueIn(job, queuedCheck) },
      [{ path: ["status"], equals: "queued" }],
    );
  }

  async #isEmpty(queue: QueueName): Promise<boolean> {
    // Messages in flight are ignored, because they belong to running jobs.
    const { visible, delayed } = await this.#ports.queues[queue].depth();
    return visible + delayed === 0;
  }

  /** Changes a row with a conditional write, repeated on conflict. `undefined` leaves it unchanged. */
  async change(
    account: string,
    id: string,
    change: (job: Job) => ChangedJob | undefined,
  ): Promise<Job | undefined> {
    const stored = await updateRow(this.#ports.table, rowKeys.resource(account, id), jobSchema, (job) => {
      const changed = change(job);
      return changed && asRow(changed);
    });
    return stored?.data;
  }

  /**
   * Claims a job for `owner`, a name of this attempt. Resolves with `"taken"` if another lease is valid,
   * `"over"` if the job has ended, and undefined if it does not exist. The owner of an expired lease has lost
   * the job.
   */
  async claim(account: string, id: string, owner: string): Promise<Job | "taken" | "over" | undefined> {
    let outcome = "over" as "claimed" | "taken" | "over";
    const job = await this.change(account, id, (job) => {
      // Already claimed by this owner: the write succeeded and its response was lost.
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
   * Extends the lease and stores the progress. Resolves with undefined if `owner` has lost the job and must
   * stop.
   */
  async renew(job: Job, owner: string, facts: JobFacts = {}): Promise<Job | undefined> {
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

  /**
   * Returns the job to the queue without counting a failure, because its worker stops. The caller enqueues
   * it.
   */
  release(job: Job, owner: string): Promise<Job | undefined> {
    return this.change(job.account, job.id, (row) =>
      isHolder(row, job, owner)
        ? { job: unsent(waiting(row)), due: this.#in(this.timing.unqueuedGrace) }
        : undefined,
    );
  }

  /**
   * Counts a failed attempt. The job is retried or ends: `gave_up` after `maximumFailures`, `unprocessable`
   * after its compute process crashed `maximumKills` times.
   *
   * @param failure with `resend` the caller enqueues it; otherwise its message is redelivered
   * @returns the job after the change; unchanged if `owner` has lost it
   */
  fail(
    job: Job,
    owner: string,
    { reason, killed = false, resend = false }: JobFailure,
  ): Promise<Job | undefined> {
    const { maximumFailures, maximumKills, backoffLongest, unqueuedGrace } = this.timing;
    return this.change(job.account, job.id, (row) => {
      if (!isHolder(row, job, owner)) return undefined;
      const [failures, kills] = [row.failures + 1, (row.kills ?? 0) + (killed ? 1 : 0)];
      const counted = { ...waiting(row), failures, kills, last_failure: reason };
      const error: { code: ErrorCode; message: string } | undefined =
        kills >= maximumKills
          ? {
              code: "unprocessable",
              message: `The compute process crashed ${kills} times on this job (${reason}); check its images, or send smaller ones.`,
            }
          : failures >= maximumFailures
            ? {
                code: "gave_up",
                message: `The job failed ${failures} times, the last time because ${reason}; create it again.`,
              }
            : undefined;
      return error
        ? this.#ended(counted, { status: "failed", error })
        : resend
          ? { job: unsent(counted), due: this.#in(unqueuedGrace) }
          : { job: counted, due: this.#in(backoffLongest + unqueuedGrace) };
    });
  }

  /**
   * Ends a job with one conditional write; the first writer wins. With `attempt`, only that attempt may end
   * it. The row stays due until the job is concluded.
   */
  async end(job: Pick<Job, "account" | "id">, end: JobEnd, attempt?: number): Promise<Job | undefined> {
    return this.change(job.account, job.id, (row) =>
      isTerminal(row.status) || (attempt !== undefined && row.attempt !== attempt)
        ? undefined
        : this.#ended(row, end),
    );
  }

  #ended({ lease: _, ...row }: Job, end: JobEnd): { readonly job: Job; readonly due: string } {
    const job: Job = { ...row, ...end, finished_at: this.#in(0), concluded: false };
    const usage = usageAtEnd(job);
    return { job: { ...job, ...defined({ usage }) }, due: this.#in(this.timing.unqueuedGrace) };
  }

  /** Marks the job as concluded. From now on, the row is due only when its results expire. */
  markConcluded(job: Job): Promise<Job | undefined> {
    return this.change(job.account, job.id, (row) => {
      const gone = resultsGoAt(row);
      // Instructions stay until they are deleted.
      const isKept = row.request.kind !== "edit" && row.status === "succeeded";
      const end = Date.parse(gone ?? row.finished_at ?? row.created_at) / 1000;
      return {
        job: { ...row, concluded: true },
        ...defined({ due: gone }),
        ...(isKept ? {} : { expires: Math.ceil(end) + lifetimes.record }),
      };
    });
  }

  /** Records that the results were deleted. */
  markExpired(job: Job): Promise<Job | undefined> {
    return this.change(job.account, job.id, (row) => {
      const bytes = storedBytes(row.results);
      return {
        job: { ...row, results: [], expired: true },
        also: bytes ? [countBytes(row.account, -bytes)] : [],
      };
    });
  }

  #isHeld({ lease }: Job): boolean {
    return lease !== undefined && lease.until > this.#in(0);
  }

  /** Due time of a waiting job: after `seconds`, or at its deadline if that is earlier. */
  #dueIn({ cancel_at }: Job, seconds: number): string {
    const due = this.#in(seconds);
    return cancel_at !== undefined && cancel_at < due ? cancel_at : due;
  }

  #in(seconds: number): string {
    return toIso(this.#ports.clock.now() + seconds * 1000);
  }
}

/** How a job ends. */
export type JobEnd = Pick<Job, "status"> &
  Partial<Pick<Job, "error" | "measured" | "results" | "caption" | "text_guidance" | "warnings">>;

interface JobFailure {
  readonly reason: string;
  /** The compute process crashed or stopped responding. */
  readonly killed?: boolean;
  readonly resend?: boolean;
}

const messageOf = ({ id, account, trace }: Job): JobMessage => ({
  version: 1,
  job: id,
  account,
  ...defined({ trace }),
});

const isHolder = (row: Job, { attempt }: Job, owner: string): boolean =>
  row.lease?.owner === owner && row.attempt === attempt && !isTerminal(row.status);

/** A job waiting for its next attempt, which is measured separately. */
function waiting({ lease: _, measured: __, ...row }: Job): Job {
  return { ...row, status: "queued" };
}

/** A job without a sent message. */
function unsent({ enqueued_at: _, ...row }: Job): Job {
  return row;
}

interface ChangedJob extends Pick<NewRow, "due" | "expires"> {
  readonly job: Job;
  readonly also?: readonly Write[];
}

const asRow = ({ job, ...rest }: ChangedJob) => ({ data: job, ...rest });
