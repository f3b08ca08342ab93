import { VisibleError } from "../../shared/errors.ts";
import { deriveId } from "../../shared/ids.ts";
import { announceEnd } from "../../shared/jobs/conclude.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { Schedule, StoredBatch } from "../../shared/resources/batch.ts";
import { rowKeys, type Stored } from "../../shared/rows.ts";
import type { SweepPorts } from "../sweep/sweep.ts";
import { nextRun } from "./next-run.ts";

/** Makes the run that is due and puts down the next. A run's id follows from its time, so that it is made once. */
export async function runSchedule(
  ports: SweepPorts,
  { data: batch, version }: Stored<StoredBatch>,
): Promise<void> {
  const { table, clock } = ports;
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
  const { next_run_at: _, ...data } = batch;
  const next = nextRunOrError(schedule, now);
  if (next instanceof VisibleError) return fail(ports, { data, version }, next);
  const key = rowKeys.resource(account, batch.id);
  if (next === undefined)
    await table.replace({ ...key, data: { ...data, status: "succeeded", finished_at: toIso(now) } }, version);
  else
    await table.replace({ ...key, data: { ...data, next_run_at: toIso(next) }, due: toIso(next) }, version);
}

function nextRunOrError(schedule: Schedule, after: number): number | undefined | VisibleError {
  try {
    return nextRun(schedule, after);
  } catch (error) {
    // A time zone that was known when the schedule was made may be gone.
    if (error instanceof VisibleError) return error;
    throw error;
  }
}

/** A schedule that cannot run any more fails, instead of staying due for ever. */
async function fail(
  { table, clock }: SweepPorts,
  { data, version }: Stored<StoredBatch>,
  { code, message }: VisibleError,
): Promise<void> {
  const { account, id, counts, request } = data;
  const error = { code, message };
  const now = toIso(clock.now());
  const failed: StoredBatch = { ...data, status: "failed", error, finished_at: now };
  if ((await table.replace({ ...rowKeys.resource(account, id), data: failed }, version)) === "conflict")
    return;
  await announceEnd({ table, clock }, account, id, "batch.failed", request.webhook, {
    ...{ id, status: "failed", counts, error },
    ...(request.metadata ? { metadata: request.metadata } : {}),
  });
}
