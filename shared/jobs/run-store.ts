import { defined } from "../defined.ts";
import type { ErrorCode } from "../error-codes.ts";
import { type Clock, toIso } from "../ports/clock.ts";
import type { JobQueue } from "../ports/job-queue.ts";
import type { NewRow, Table } from "../ports/table.ts";
import type { QueueName, QueueTiming } from "../queue-timing.ts";
import { isTerminal } from "../resources/fields.ts";
import { parseRow, rowKeys, updateRow } from "../rows.ts";
import { type JobFacts, type JobMessage, type Run, runSchema } from "./job.ts";

export interface RunPorts {
  readonly table: Table;
  readonly queues: Readonly<Record<QueueName, JobQueue>>;
  readonly clock: Clock;
  readonly timing: QueueTiming;
}

/**
 * Runs of open jobs. Every change is one conditional write, so concurrent writers see each other's changes. A
 * run ends with the first write of an outcome; `settle` then moves it to the job's row and deletes the run.
 */
export class RunStore {
  readonly #ports: RunPorts;
  readonly timing: QueueTiming;

  constructor(ports: RunPorts) {
    this.#ports = ports;
    this.timing = ports.timing;
  }

  async get(account: string, id: string): Promise<Run | undefined> {
    const row = await this.#ports.table.get(rowKeys.run(account, id));
    return row && parseRow(runSchema, row).data;
  }

  /** The row of a new run, due for the sweeper until it is queued. */
  newRow(run: Run): NewRow {
    return this.#row(run, this.timing.unqueuedGrace);
  }

  /** The row of a new run that is queued now. */
  queuedRow(run: Run): NewRow {
    return this.#row({ ...run, enqueued_at: this.#in(0) }, this.timing.queuedCheck);
  }

  /** Deletes a run whose job is settled or deleted. */
  async remove(account: string, id: string): Promise<void> {
    await this.#ports.table.delete(rowKeys.run(account, id));
  }

  /** Sends a run's message. After that, the sweeper only checks for a lost message. */
  async enqueue(run: Run, delaySeconds = 0): Promise<void> {
    await this.#ports.queues[run.queue].send(JSON.stringify(messageOf(run)), Math.round(delaySeconds));
    const due = this.#dueIn(run, delaySeconds + this.timing.queuedCheck);
    // If a worker has claimed the job in the meantime, it has set the due time.
    await this.#ports.table.amend(
      rowKeys.run(run.account, run.id),
      { set: [[["enqueued_at"], this.#in(0)]], due },
      [{ path: ["status"], equals: "queued" }],
    );
  }

  /** Sends the messages of new runs of one queue, which `queuedRow` has marked as queued. */
  async sendAll(queue: QueueName, runs: readonly Run[]): Promise<void> {
    await this.#ports.queues[queue].sendAll(runs.map((run) => JSON.stringify(messageOf(run))));
  }

  /**
   * Sends a queued job's message again if it was lost: it was never sent, the queue is empty, or it has
   * waited for hours. Otherwise it only schedules the next check, because scaling would count a second
   * message as another job.
   */
  async enqueueIfLost(run: Run): Promise<void> {
    const { queuedLongest, queuedCheck } = this.timing;
    const isLost =
      run.enqueued_at === undefined ||
      run.enqueued_at <= this.#in(-queuedLongest) ||
      (await this.#isEmpty(run.queue));
    if (isLost) return this.enqueue(run);
    await this.#ports.table.amend(rowKeys.run(run.account, run.id), { due: this.#dueIn(run, queuedCheck) }, [
      { path: ["status"], equals: "queued" },
    ]);
  }

  async #isEmpty(queue: QueueName): Promise<boolean> {
    // Messages in flight are ignored, because they belong to running jobs.
    const { visible, delayed } = await this.#ports.queues[queue].depth();
    return visible + delayed === 0;
  }

  /** Changes a run with a conditional write, repeated on conflict. `undefined` leaves it unchanged. */
  async change(
    account: string,
    id: string,
    change: (run: Run) => ChangedRun | undefined,
  ): Promise<Run | undefined> {
    const stored = await updateRow(this.#ports.table, rowKeys.run(account, id), runSchema, (run) => {
      const changed = change(run);
      return changed && { data: changed.run, due: changed.due };
    });
    return stored?.data;
  }

  /**
   * Claims a job for `owner`, a name of this attempt. Resolves with `"taken"` if another lease is valid,
   * `"over"` if the run has ended, and undefined if there is none, because the job is settled or deleted. The
   * owner of an expired lease has lost the job.
   */
  async claim(account: string, id: string, owner: string): Promise<Run | "taken" | "over" | undefined> {
    let outcome = "over" as "claimed" | "taken" | "over";
    const claimed = await this.change(account, id, (run) => {
      // Already claimed by this owner: the write succeeded and its response was lost.
      if (run.status === "running" && run.lease?.owner === owner) {
        outcome = "claimed";
        return undefined;
      }
      outcome = isTerminal(run.status) ? "over" : this.#isHeld(run) ? "taken" : "claimed";
      if (outcome !== "claimed") return undefined;
      return this.#leased(
        {
          ...run,
          status: "running",
          attempt: run.attempt + 1,
          started_at: run.started_at ?? this.#in(0),
        },
        owner,
      );
    });
    return claimed && (outcome === "claimed" ? claimed : outcome);
  }

  /**
   * Extends the lease and stores the progress. Resolves with undefined if `owner` has lost the job and must
   * stop.
   */
  async renew(run: Run, owner: string, facts: JobFacts = {}): Promise<Run | undefined> {
    let held = false;
    const now = await this.change(run.account, run.id, (row) => {
      held = row.status === "running" && isHolder(row, run, owner);
      return held ? this.#leased({ ...row, ...facts }, owner) : undefined;
    });
    return held ? now : undefined;
  }

  /**
   * Returns the job to the queue without counting a failure, because its worker stops. The caller enqueues
   * it.
   */
  release(run: Run, owner: string): Promise<Run | undefined> {
    return this.change(run.account, run.id, (row) =>
      isHolder(row, run, owner)
        ? { run: unsent(waiting(row)), due: this.#in(this.timing.unqueuedGrace) }
        : undefined,
    );
  }

  /**
   * Counts a failed attempt. The job is retried or ends: `gave_up` after `maxFailures`, `unprocessable`
   * after its compute process crashed `maxKills` times.
   *
   * @param failure with `resend` the caller enqueues it; otherwise its message is redelivered
   * @returns the run after the change; unchanged if `owner` has lost it
   */
  fail(
    run: Run,
    owner: string | undefined,
    { reason, killed = false, resend = false }: RunFailure,
  ): Promise<Run | undefined> {
    const { maxFailures, maxKills, backoffLongest, unqueuedGrace } = this.timing;
    return this.change(run.account, run.id, (row) => {
      if (!isHolder(row, run, owner)) return undefined;
      const [failures, kills] = [row.failures + 1, (row.kills ?? 0) + (killed ? 1 : 0)];
      const counted = { ...waiting(row), failures, kills, last_failure: reason };
      const error: { code: ErrorCode; message: string } | undefined =
        kills >= maxKills
          ? {
              code: "unprocessable",
              message: `The compute process crashed ${kills} times on this job (${reason}); check its images, or send smaller ones.`,
            }
          : failures >= maxFailures
            ? {
                code: "gave_up",
                message: `The job failed ${failures} times, the last time because ${reason}; create it again.`,
              }
            : undefined;
      return error
        ? this.#ended(counted, { status: "failed", error })
        : resend
          ? { run: unsent(counted), due: this.#in(unqueuedGrace) }
          : { run: counted, due: this.#in(backoffLongest + unqueuedGrace) };
    });
  }

  /**
   * Ends a run; the first writer wins.
   *
   * @param by identifies the caller: a worker passes its attempt and its name as `owner` of the lease, so
   * that it cannot end a job that another worker has taken over
   * @returns the run after the call: ended, or as written by another process
   */
  end(
    { account, id }: Pick<Run, "account" | "id">,
    end: RunEnd,
    { attempt, owner }: { readonly attempt?: number; readonly owner?: string } = {},
  ): Promise<Run | undefined> {
    return this.change(account, id, (row) =>
      isTerminal(row.status) ||
      (attempt !== undefined && row.attempt !== attempt) ||
      (owner !== undefined && row.lease?.owner !== owner)
        ? undefined
        : this.#ended(row, end),
    );
  }

  #ended({ lease: _, ...row }: Run, end: RunEnd): ChangedRun {
    return { run: { ...row, ...end }, due: this.#in(this.timing.unqueuedGrace) };
  }

  #leased(run: Run, owner: string): ChangedRun {
    return {
      run: { ...run, lease: { owner, until: this.#in(this.timing.lease) } },
      due: this.#in(this.timing.lease + this.timing.unqueuedGrace),
    };
  }

  #isHeld({ lease }: Run): boolean {
    return lease !== undefined && lease.until > this.#in(0);
  }

  #row(run: Run, seconds: number): NewRow {
    return { ...rowKeys.run(run.account, run.id), data: run, due: this.#dueIn(run, seconds) };
  }

  /** Due time of a waiting job: after `seconds`, or at its deadline if that is earlier. */
  #dueIn({ cancel_at }: Run, seconds: number): string {
    const due = this.#in(seconds);
    return cancel_at !== undefined && cancel_at < due ? cancel_at : due;
  }

  #in(seconds: number): string {
    return toIso(this.#ports.clock.now() + seconds * 1000);
  }
}

/** How a run ends. */
export type RunEnd = Pick<Run, "status"> &
  Partial<Pick<Run, "error" | "measured" | "results" | "caption" | "text_guidance" | "warnings">>;

interface RunFailure {
  readonly reason: string;
  /** The compute process crashed or stopped responding. */
  readonly killed?: boolean;
  readonly resend?: boolean;
}

interface ChangedRun {
  readonly run: Run;
  readonly due: string;
}

/** A pointer to a run, for the queues of jobs and settlements. */
export const messageOf = ({ id, account, trace }: Run): JobMessage => ({
  version: 1,
  job: id,
  account,
  ...defined({ trace }),
});

const isHolder = (row: Run, { attempt }: Run, owner: string | undefined): boolean =>
  row.lease?.owner === owner && row.attempt === attempt && !isTerminal(row.status);

/** A job waiting for its next attempt, which is measured separately. */
function waiting({ lease: _, measured: __, ...row }: Run): Run {
  return { ...row, status: "queued" };
}

/** A run without a sent message. */
function unsent({ enqueued_at: _, ...row }: Run): Run {
  return row;
}
