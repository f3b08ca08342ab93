import { type SettlePorts, settle } from "../functions/settlement/settle.ts";
import type { Job } from "../shared/jobs/job.ts";
import type { RunEnd } from "../shared/jobs/run-store.ts";

/** Ends a job as a worker does, and settles it. */
export async function endJob(ports: SettlePorts, account: string, id: string, end: RunEnd): Promise<Job> {
  await ports.jobs.runs.end({ account, id }, end);
  const job = await settle(ports, account, id);
  if (!job) throw new Error(`${id} is not there`);
  return job;
}
