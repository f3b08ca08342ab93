import { type Job, resultsGoAt } from "../../shared/jobs/job.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";
import { isTerminal } from "../../shared/resources/fields.ts";
import { type SettlePorts, settle } from "../settlement/settle.ts";

type RepairPorts = SettlePorts & { readonly objects: ObjectStore };

const lostWorker = "its worker stopped responding";

/** Repairs a job whose row or run is due: completes the steps that a crash left undone. */
export async function repairJob(ports: RepairPorts, account: string, id: string): Promise<void> {
  const { jobs, clock } = ports;
  const { runs } = jobs;
  const open = await jobs.load(account, id);
  if (!open) return runs.remove(account, id);
  const { job, run } = open;
  if (run === undefined) return job.concluded ? expireResults(ports, job) : jobs.restore(open);
  if (job.concluded || run === "damaged" || isTerminal(run.status))
    return void (await settle(ports, account, id));
  const now = clock.now();
  const deadline = run.cancel_at !== undefined && Date.parse(run.cancel_at) <= now;
  const held = run.lease !== undefined && Date.parse(run.lease.until) > now;
  if (run.status === "running" && held) return;
  if (deadline || run.cancel_requested) {
    await runs.end(run, { status: "canceled" }, { attempt: run.attempt });
    await settle(ports, account, id);
  } else if (run.status === "running") {
    // The old message may also be delivered again; the first worker claims the job.
    const failed = await runs.fail(run, run.lease?.owner, { reason: lostWorker, resend: true });
    if (failed?.status === "queued") await runs.enqueue(failed);
    else await settle(ports, account, id);
  } else await runs.enqueueIfLost(run);
}

/** Deletes expired results: first the files, then the row's record of them. */
async function expireResults({ jobs, clock, objects }: RepairPorts, job: Job): Promise<void> {
  const time = resultsGoAt(job);
  if (job.expired || time === undefined || time > toIso(clock.now())) return;
  await Promise.all(job.results.map(({ key }) => objects.delete(key)));
  await jobs.markExpired(job);
}
