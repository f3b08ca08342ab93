import { namedUploads, type Positions } from "../../shared/completed-uploads.ts";
import { defined } from "../../shared/defined.ts";
import { VisibleError } from "../../shared/errors.ts";
import { deriveId } from "../../shared/ids.ts";
import { spenderIn } from "../../shared/ledger/spending.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { Write } from "../../shared/ports/table.ts";
import { maxLines, type Schedule, type StoredBatch } from "../../shared/resources/batch.ts";
import { rowKeys, type Stored } from "../../shared/rows.ts";
import { readTotals, removeSchedule } from "../../shared/totals.ts";
import type { BatchPorts } from "./batch-ports.ts";
import { endBatch } from "./end-batch.ts";
import { newBatch } from "./new-batch.ts";
import { nextRun } from "./next-run.ts";

/**
 * Creates the due run and schedules the next one in one transaction, so that each run is created once
 * and every upload belongs to one run.
 */
export async function runSchedule(
  ports: BatchPorts,
  { data: batch, version }: Stored<StoredBatch>,
): Promise<void> {
  const { table, clock } = ports;
  const { account, request, next_run_at: time } = batch;
  const { schedule, ...rest } = request;
  if (!schedule || time === undefined) return;
  const now = clock.now();
  const uploads = await newUploads(ports, batch);
  const run = newBatch({
    id: deriveId("batch", batch.id, time),
    account,
    request: rest,
    schedule_of: batch.id,
    status: "queued",
    created_at: toIso(now),
    ...defined({
      uploads: uploads?.positions,
      keep_results: batch.keep_results,
      spender: batch.spender && spenderIn(batch.spender, now),
    }),
  });
  const writes: Write[] =
    uploads?.any === false
      ? []
      : [{ insert: { ...rowKeys.resource(account, run.id), data: run, due: toIso(now) } }];
  // After a pause or an outage, the schedule runs once, not once per missed run.
  const { next_run_at: _, ...last } = batch;
  const data: StoredBatch = { ...last, ...defined({ uploads: uploads?.positions }) };
  const next = nextRunOrError(schedule, now);
  // A schedule without a valid next run fails; otherwise it would stay due forever.
  if (next instanceof VisibleError) {
    const { code, message } = next;
    const failed = { data: { ...data, error: { code, message } }, version };
    return endBatch(ports, failed, "failed", [...writes, removeSchedule(account)]);
  }
  const key = rowKeys.resource(account, batch.id);
  const replacement: Write[] =
    next === undefined
      ? [
          { replace: { ...key, data: { ...data, status: "succeeded", finished_at: toIso(now) } }, version },
          removeSchedule(account),
        ]
      : [{ replace: { ...key, data: { ...data, next_run_at: toIso(next) }, due: toIso(next) }, version }];
  await table.transact([...replacement, ...writes]);
}

/**
 * With `upload_prefix`: the upload positions of the due run, and whether any of these uploads has the prefix.
 */
async function newUploads(
  { table }: BatchPorts,
  { account, request, uploads }: StoredBatch,
): Promise<{ readonly positions: Positions; readonly any: boolean } | undefined> {
  if (request.upload_prefix === undefined) return undefined;
  const after = uploads?.until ?? 0;
  const { named } = await readTotals(table, account);
  // A batch's lines are limited; the next run continues from there.
  const positions = { after, until: Math.min(named, after + maxLines) };
  const first = await namedUploads(table, account, positions, request.upload_prefix).next();
  return { positions, any: first.done !== true };
}

function nextRunOrError(schedule: Schedule, after: number): number | undefined | VisibleError {
  try {
    return nextRun(schedule, after);
  } catch (error) {
    // A time zone may have been removed since the schedule was created.
    if (error instanceof VisibleError) return error;
    throw error;
  }
}
