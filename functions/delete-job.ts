import { eraseJob } from "../shared/erasure/erase.ts";
import type { Job } from "../shared/jobs/job.ts";
import { objectKeys } from "../shared/object-keys.ts";
import { toIso } from "../shared/ports/clock.ts";
import { rowKeys } from "../shared/rows.ts";
import type { Edge } from "./edge.ts";
import { deleteObjects, firstPass, type LateObjects } from "./sweep/delete-late-objects.ts";

/**
 * Deletes a settled job, with its files, events and webhook deliveries. The sweeper empties its folders again
 * later, because a worker whose lease has expired may still store a result.
 */
export async function deleteJob(edge: Edge, job: Job): Promise<void> {
  const { table, clock, objects } = edge;
  const { account, id } = job;
  const folders = [objectKeys.resultFolder(account, id), objectKeys.instructionFolder(account, id)];
  const data: LateObjects = { folders, looks: 0 };
  const due = toIso(clock.now() + firstPass);
  // Inserted first, so that the sweeper completes the deletion if the process crashes.
  await table.insert({ ...rowKeys.deletion(account, id), data: { ...data }, due });
  await eraseJob(edge, job);
  await deleteObjects(objects, folders);
}
