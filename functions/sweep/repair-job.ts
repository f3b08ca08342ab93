import { type ConcludePorts, conclude } from "../../shared/jobs/conclude.ts";
import { type Job, resultsGoAt } from "../../shared/jobs/job.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";
import { isTerminal } from "../../shared/resources/fields.ts";

const lostWorker = "its worker stopped responding";

/** Repairs a due job: completes the steps that a crash left undone. */
export async function repairJob(
  ports: ConcludePorts & { readonly objects: ObjectStore },
  account: string,
  id: string,
): Promise<void> {
  const { jobs, clock } = ports;
  const job = await jobs.get(account, id);
  if (!job) return;
  const now = clock.now();
  if (isTerminal(job.status)) return job.concluded ? expireResults(ports, job) : conclude(ports, job);
  const deadline = job.cancel_at !== undefined && Date.parse(job.cancel_at) <= now;
  const held = job.lease !== undefined && Date.parse(job.lease.until) > now;
  if (job.status === "running" && held) return;
  if (deadline || job.cancel_requested) {
    const ended = await jobs.end(job, { status: "canceled" }, job.attempt);
    if (ended) await conclude(ports, ended);
    return;
  }
  if (job.status === "running") {
    // The old message may also be delivered again; the first worker claims the job.
    const failed = await jobs.fail(job, job.lease?.owner ?? "", { reason: lostWorker, resend: true });
    if (failed?.status === "queued") await jobs.enqueue(failed);
    else if (failed) await conclude(ports, failed);
    return;
  }
  await jobs.enqueueIfLost(job);
}

/** Deletes expired results: first the files, then the row's record of them. */
async function expireResults(
  { jobs, clock, objects }: ConcludePorts & { readonly objects: ObjectStore },
  job: Job,
): Promise<void> {
  const time = resultsGoAt(job);
  if (job.expired || time === undefined || time > toIso(clock.now())) return;
  await Promise.all(job.results.map(({ key }) => objects.delete(key)));
  await jobs.markExpired(job);
}
