import { type ErasurePorts, eraseDeliveries, eraseJob, eraseObjects } from "../../shared/erasure/erase.ts";
import type { JobStore } from "../../shared/jobs/job-store.ts";
import { mapConcurrently } from "../../shared/map-concurrently.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type { StoredBatch } from "../../shared/resources/batch.ts";
import { rowKeys, type Stored } from "../../shared/rows.ts";
import { lineJobId } from "./line-rows.ts";
import { saveBatch } from "./save-batch.ts";

const linesPerPass = 200;

/**
 * Erases the next lines of a deleted batch with their edits and results; after the last line, its files,
 * webhook deliveries and row. Idempotent.
 */
export async function eraseBatch(
  ports: ErasurePorts & { readonly jobs: JobStore; readonly clock: Clock },
  { data: batch, version }: Stored<StoredBatch>,
): Promise<void> {
  const { table, objects, jobs, clock } = ports;
  const { account, id, next_line, erased = 0 } = batch;
  const until = Math.min(next_line, erased + linesPerPass);
  const lines = Array.from({ length: until - erased }, (_, index) => erased + index);
  await mapConcurrently(16, lines, async (line) => {
    const job = await jobs.get(account, lineJobId(id, line));
    if (job) await eraseJob(ports, job);
    await table.delete(rowKeys.batchLine(id, line));
  });
  if (until < next_line)
    return void (await saveBatch(table, { ...batch, erased: until }, version, clock.now()));
  await eraseObjects(objects, objectKeys.batch(account, id));
  await eraseDeliveries(table, account, id);
  await table.delete(rowKeys.resource(account, id));
}
