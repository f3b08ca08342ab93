import { defined } from "../../shared/defined.ts";
import { VisibleError } from "../../shared/errors.ts";
import { deriveId } from "../../shared/ids.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { Schedule, StoredBatch } from "../../shared/resources/batch.ts";
import { rowKeys, type Stored } from "../../shared/rows.ts";
import type { BatchPorts } from "./batch-ports.ts";
import { endBatch } from "./end-batch.ts";
import { newBatch } from "./new-batch.ts";
import { nextRun } from "./next-run.ts";

/**
 * Creates the due run and schedules the next one. A run's ID is derived from its time, so it is created once.
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
  const run = newBatch({
    ...{ id: deriveId("batch", batch.id, time), account, request: rest, schedule_of: batch.id },
    ...{ status: "queued", created_at: toIso(now) },
    ...defined({ keep_results: batch.keep_results }),
  });
  await table.insert({ ...rowKeys.resource(account, run.id), data: run, due: toIso(now) });
  // From now, not from the last run: after a pause or an outage it runs once, not once per missed run.
  const { next_run_at: _, ...data } = batch;
  const next = nextRunOrError(schedule, now);
  // A schedule without a valid next run fails; otherwise it would stay due forever.
  if (next instanceof VisibleError) {
    const { code, message } = next;
    return endBatch(ports, { data: { ...data, error: { code, message } }, version }, "failed");
  }
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
    // A time zone may have been removed since the schedule was created.
    if (error instanceof VisibleError) return error;
    throw error;
  }
}
