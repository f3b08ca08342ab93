import { deriveId } from "../../shared/ids.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { StoredBatch } from "../../shared/resources/batch.ts";
import { rowKeys, type Stored } from "../../shared/rows.ts";
import type { SweepPorts } from "../sweep/sweep.ts";
import { nextRun } from "./next-run.ts";

/** Makes the run that is due and puts down the next. A run's id follows from its time, so that it is made once. */
export async function runSchedule(
  { table, clock }: SweepPorts,
  { data: batch, version }: Stored<StoredBatch>,
): Promise<void> {
  const { account, request, next_run_at: time } = batch;
  const { schedule, ...rest } = request;
  if (!schedule || time === undefined) return;
  const now = clock.now();
  const run: StoredBatch = {
    ...{
      id: deriveId("batch", batch.id, time),
      account,
      status: "queued",
      request: rest,
      schedule_of: batch.id,
    },
    ...{ created_at: toIso(now), cancel_requested: false, next_line: 0, submitted: 0, settled: 0 },
    counts: { total: 0, succeeded: 0, failed: 0, canceled: 0 },
    ...(batch.keep_results === undefined ? {} : { keep_results: batch.keep_results }),
  };
  await table.insert({ ...rowKeys.resource(account, run.id), data: run, due: toIso(now) });
  // From now, not from the last: after a pause or an outage it runs once, not once for each time missed.
  const next = nextRun(schedule, now);
  const { next_run_at: _, ...data } = batch;
  const key = rowKeys.resource(account, batch.id);
  if (next === undefined)
    await table.replace({ ...key, data: { ...data, status: "succeeded", finished_at: toIso(now) } }, version);
  else
    await table.replace({ ...key, data: { ...data, next_run_at: toIso(next) }, due: toIso(next) }, version);
}
