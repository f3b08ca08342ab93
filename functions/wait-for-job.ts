import type { Context } from "hono";
import type { Job } from "../shared/jobs/job.ts";
import { isTerminal } from "../shared/resources/fields.ts";
import type { Edge, EdgeEnv } from "./edge.ts";

/** `Prefer: wait=n`: the job when it has ended, or as it stands after n seconds (capped). */
export async function waitForJob(edge: Edge, context: Context<EdgeEnv>, job: Job): Promise<Job> {
  const [, asked] = /(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])/.exec(context.req.header("Prefer") ?? "") ?? [];
  if (asked === undefined) return job;
  const seconds = Math.min(Number(asked), edge.settings.longestWait);
  context.header("Preference-Applied", `wait=${seconds}`);
  const until = edge.clock.now() + seconds * 1000;
  const { signal } = context.req.raw;
  let now = job;
  while (!isTerminal(now.status) && edge.clock.now() < until && !signal.aborted) {
    await edge.clock.sleep(edge.settings.pollInterval, signal);
    now = (await edge.jobs.get(job.account, job.id)) ?? now;
  }
  return now;
}
