import { defined } from "../defined.ts";
import { mapConcurrently } from "../map-concurrently.ts";
import { lifetimes, objectKeys } from "../object-keys.ts";
import type { NewRow, Table, TableRow, Write } from "../ports/table.ts";
import { isTerminal } from "../resources/fields.ts";
import { parseRow, rowKeys, updateRow } from "../rows.ts";
import { countBytes } from "../totals.ts";
import {
  type Job,
  jobSchema,
  type Run,
  resultsGoAt,
  runSchema,
  type StoredResult,
  storedBytes,
} from "./job.ts";
import { type RunPorts, RunStore } from "./run-store.ts";

/** Concurrent writes. */
const insertsAtOnce = 16;

/** A job's row, and its run while it is open. */
interface OpenJob {
  readonly job: Job;
  readonly version: number;
  /** `"damaged"` if the row does not match its schema, which only a faulty or compromised worker causes. */
  readonly run: Run | "damaged" | undefined;
}

/**
 * Jobs as rows: the accepted request and, after the settlement, the outcome. Until then, the state is in a
 * run.
 */
export class JobStore {
  readonly #table: Table;
  readonly runs: RunStore;

  constructor(ports: RunPorts) {
    this.#table = ports.table;
    this.runs = new RunStore(ports);
  }

  /** Returns a job as the API shows it. It ends with its settlement. */
  async get(account: string, id: string): Promise<Job | undefined> {
    const open = await this.load(account, id);
    return open && withRun(open.job, open.run);
  }

  async load(account: string, id: string): Promise<OpenJob | undefined> {
    const [row, run] = await this.#table.getAll([rowKeys.resource(account, id), rowKeys.run(account, id)]);
    if (!row) return undefined;
    const { data: job, version } = parseRow(jobSchema, row);
    return { job, version, run: parseRun(run) };
  }

  /** Converts rows to jobs as the API shows them. */
  async present(rows: readonly TableRow[]): Promise<readonly Job[]> {
    const jobs = rows.map((row) => parseRow(jobSchema, row).data);
    const open = jobs.filter(({ concluded }) => !concluded);
    const runs = await this.#table.getAll(open.map(({ account, id }) => rowKeys.run(account, id)));
    const runOf = new Map(open.map(({ id }, index) => [id, parseRun(runs[index])]));
    return jobs.map((job) => withRun(job, runOf.get(job.id)));
  }

  /** The rows of a new job, whose run is due for the sweeper until it is queued. */
  newRows(job: Job): readonly NewRow[] {
    return [newRow(job), this.runs.newRow(runOf(job))];
  }

  /** Stores a new job unless its ID exists. */
  async insert(job: Job): Promise<Job> {
    await this.#table.transact(this.newRows(job).map((row) => ({ insert: row })));
    return (await this.get(job.account, job.id)) ?? job;
  }

  /**
   * Stores new jobs with two writes each and enqueues them; existing open jobs are only enqueued. Callers
   * must repeat a call that rejects.
   */
  async submitAll(jobs: readonly Job[]): Promise<void> {
    await mapConcurrently(insertsAtOnce, jobs, async (job) => {
      const row = newRow(job);
      const isNew = (await this.#table.insert(row)) !== "conflict";
      const stored = isNew ? undefined : await this.#table.get(row);
      // A settled job has no run, and must not run again.
      if (stored && parseRow(jobSchema, stored).data.concluded) return;
      await this.#table.insert(this.runs.queuedRow(runOf(job)));
    });
    for (const queue of new Set(jobs.map((job) => job.queue)))
      await this.runs.sendAll(
        queue,
        jobs.filter((job) => job.queue === queue),
      );
  }

  /** Inserts the run of an open job that has none, because the process that stored the job crashed. */
  async restore({ job, version }: OpenJob): Promise<void> {
    await this.#table.transact([{ insert: this.runs.newRow(runOf(job)) }, { replace: newRow(job), version }]);
  }

  /** Changes a job's row with a conditional write, repeated on conflict. `undefined` leaves it unchanged. */
  async change(
    account: string,
    id: string,
    change: (job: Job) => ChangedJob | undefined,
  ): Promise<Job | undefined> {
    const stored = await updateRow(this.#table, rowKeys.resource(account, id), jobSchema, (job) => {
      const changed = change(job);
      return changed && asRow(changed);
    });
    return stored?.data;
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
}

/** The row of a settled job. It is due only when its results expire. */
export function settledRow(job: Job): NewRow {
  const gone = resultsGoAt(job);
  // Instructions stay until they are deleted.
  const isKept = job.request.kind !== "edit" && job.status === "succeeded";
  const end = Date.parse(gone ?? job.finished_at ?? job.created_at) / 1000;
  return {
    ...newRow(job),
    ...defined({ due: gone }),
    ...(isKept ? {} : { expires: Math.ceil(end) + lifetimes.record }),
  };
}

/**
 * The results that a run may have, in order: those whose key belongs to the job, with no more bytes than are
 * reserved. A worker writes the row, and links are signed for these keys.
 */
export function resultsOf({ account, id, request, reserved_bytes }: Job, run: Run): StoredResult[] {
  if (request.kind !== "edit") return [];
  let room = reserved_bytes ?? Number.POSITIVE_INFINITY;
  const { images, count = 1, format = "png" } = request;
  const made = new Map(run.results.map((result) => [result.key, result]));
  return images.flatMap((input, index) =>
    Array.from({ length: count }, (_, variation) => {
      const result = made.get(objectKeys.result(account, id, index, variation, format));
      if (!result) return [];
      const bytes = result.bytes === undefined ? undefined : Math.min(result.bytes, room);
      room -= bytes ?? 0;
      return [{ ...result, input, ...defined({ bytes }) }];
    }).flat(),
  );
}

/** A job as the API shows it: with the state of its run, and running until it is settled. */
function withRun(job: Job, run: OpenJob["run"]): Job {
  if (job.concluded || run === undefined || run === "damaged") return job;
  const status = isTerminal(run.status) ? "running" : run.status;
  return { ...job, ...stateOf(run), results: resultsOf(job, run), status };
}

/** The fields that a run adds to its job. */
export const stateOf = ({
  started_at,
  attempt,
  failures,
  kills,
  last_failure,
  measured,
  progress,
  has_preview,
  has_thumbnail,
  has_lut,
}: Run) => ({
  attempt,
  failures,
  has_preview,
  ...defined({ started_at, kills, last_failure, measured, progress, has_thumbnail, has_lut }),
});

const newRow = (job: Job): NewRow => ({ ...rowKeys.resource(job.account, job.id), data: job });

/** Creates the run of a new job. */
const runOf = (job: Job): Run => runSchema.parse(job);

function parseRun(row: TableRow | undefined): OpenJob["run"] {
  return row && (runSchema.safeParse(row.data).data ?? "damaged");
}

interface ChangedJob extends Pick<NewRow, "due" | "expires"> {
  readonly job: Job;
  readonly also?: readonly Write[];
}

const asRow = ({ job, ...rest }: ChangedJob) => ({ data: job, ...rest });
