import { type ConcludePorts, conclude } from "../../shared/jobs/conclude.ts";
import { isTerminal } from "../../shared/resources/fields.ts";

/** Brings a job that is due back on its way: what a crash left between two writes is done now. */
export async function mendJob(ports: ConcludePorts, account: string, id: string): Promise<void> {
  const { jobs, clock } = ports;
  const job = await jobs.get(account, id);
  if (!job) return;
  if (isTerminal(job.status)) return conclude(ports, job);
  const now = clock.now();
  const deadline = job.cancel_at !== undefined && Date.parse(job.cancel_at) <= now;
  const held = job.lease !== undefined && Date.parse(job.lease.until) > now;
  if (job.status === "running" && held) return;
  if (deadline || job.cancel_requested) {
    const ended = await jobs.end(job, { status: "canceled" }, job.attempt);
    if (ended) await conclude(ports, ended);
    return;
  }
  if (job.status === "running") {
    // Its worker fell silent. The queue will deliver again too; whichever comes first claims it.
    const released = await jobs.release(job, job.lease?.owner ?? "", "its worker fell silent");
    if (released?.status === "queued") await jobs.enqueue(released);
    return;
  }
  await jobs.enqueue(job);
}
