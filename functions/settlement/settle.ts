import { readAccount } from "../../shared/accounts/account.ts";
import { defined } from "../../shared/defined.ts";
import { InternalError } from "../../shared/errors.ts";
import { bytesAtEnd, type Job, type Run, resourceOfKind, type StoredResult } from "../../shared/jobs/job.ts";
import { type JobStore, resultsOf, settledRow, stateOf } from "../../shared/jobs/job-store.ts";
import { insertLine } from "../../shared/jobs/line-row.ts";
import type { Ledger } from "../../shared/ledger/ledger.ts";
import { type MeterRow, meterKey } from "../../shared/ledger/meter-row.ts";
import { type Clock, toIso } from "../../shared/ports/clock.ts";
import type { NewRow, Table } from "../../shared/ports/table.ts";
import type { StoredLine } from "../../shared/resources/batch.ts";
import { isTerminal } from "../../shared/resources/fields.ts";
import { newDeliveries } from "../webhooks/new-deliveries.ts";
import { usageAtEnd } from "./usage-at-end.ts";

export interface SettlePorts {
  readonly jobs: JobStore;
  readonly ledger: Ledger;
  readonly table: Table;
  readonly clock: Clock;
}

/**
 * Settles a job whose run has ended: moves the outcome to the job's row, charges the account and stores the
 * webhook deliveries, in one transaction that succeeds for the first caller only. Then the run is deleted.
 * The job of a batch's line gets a line row instead, because its batch charges lines together and sends its
 * own webhooks.
 *
 * The run was written by a worker. The maximum charge is determined by the job's row and its reservation,
 * which workers cannot write.
 *
 * @returns the job as callers see it; undefined if it was deleted
 */
export async function settle(ports: SettlePorts, account: string, id: string): Promise<Job | undefined> {
  const { jobs, table, clock, ledger } = ports;
  for (let seen: number | undefined; ; ) {
    const open = await jobs.load(account, id);
    if (!open || open.job.concluded) {
      if (!open || open.run !== undefined) await jobs.runs.remove(account, id);
      return open?.job;
    }
    const { version, run } = open;
    if (run === undefined || (run !== "damaged" && !isTerminal(run.status))) return jobs.get(account, id);
    if (version === seen) throw new InternalError(`the settlement of ${id} cannot be written`);
    seen = version;
    const job = settledJob(open.job, run, clock.now());
    const replaced = { replace: settledRow(job), version };
    if (job.batch) {
      await insertLine(table, clock, job.batch.id, lineOf(job, job.batch.line));
      if ((await table.replace(replaced.replace, version)) === "conflict") continue;
    } else {
      const [money, ...rows] = await Promise.all([
        ledger.settling(account, id, job.usage, bytesAtEnd(job)),
        meterRows(table, job),
        deliveriesOf(ports, job),
      ]);
      const writes = [replaced, ...money, ...rows.flat().map((row) => ({ insert: row }))];
      if ((await table.transact(writes)) === "conflict") continue;
    }
    await jobs.runs.remove(account, id);
    return job;
  }
}

/** The job with the outcome of its run. A damaged run fails its job, which is then free. */
function settledJob(job: Job, run: Run | "damaged", now: number): Job {
  const outcome =
    run === "damaged"
      ? ({
          status: "failed",
          error: { code: "internal", message: damaged },
          results: [] as StoredResult[],
        } as const)
      : {
          ...stateOf(run),
          ...defined({
            error: run.error,
            caption: run.caption,
            text_guidance: run.text_guidance,
            warnings: run.warnings,
          }),
          status: run.status,
          results: resultsOf(job, run),
        };
  const ended = { ...job, ...outcome, finished_at: toIso(now), concluded: true };
  return { ...ended, ...defined({ usage: usageAtEnd(ended) }) };
}

const damaged = "The worker stored an invalid state of this job; create it again.";

function lineOf(job: Job, line: number): StoredLine {
  const { id, status, results, error, reserved, usage } = job;
  return {
    line,
    job: id,
    status,
    reserved,
    results: results.map(({ width, height }) => ({ width, height })),
    ...defined({ error, usage, bytes: bytesAtEnd(job) || undefined }),
  };
}

/** The row for the billing service, if the account has a billing customer. */
async function meterRows(table: Table, { account, id, usage, finished_at: at }: Job): Promise<NewRow[]> {
  if (!usage?.credits || at === undefined) return [];
  const customer = (await readAccount(table, account))?.billing_customer;
  if (customer === undefined) return [];
  const data: MeterRow = { job: id, customer, credits: usage.credits, at, attempts: 0 };
  return [{ ...meterKey(account, id), data, due: at }];
}

const deliveriesOf = (ports: SettlePorts, job: Job): Promise<readonly NewRow[]> =>
  newDeliveries(
    ports,
    job.account,
    job.id,
    `${resourceOfKind[job.request.kind]}.${job.status as "succeeded"}`,
    job.request.webhook,
    {
      id: job.id,
      status: job.status,
      ...defined({ usage: job.usage, error: job.error, metadata: job.request.metadata }),
    },
  );
