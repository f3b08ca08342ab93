import type { Context } from "hono";
import type { Job } from "../shared/jobs/job.ts";
import { isTerminal } from "../shared/resources/fields.ts";
import type { Edge, EdgeEnv } from "./edge.ts";

export interface Waited<Stored> {
  readonly now: Stored;
  readonly hasEnded: boolean;
}

/**
 * Implements `Prefer: wait=n`: resolves when the job has ended, or after n seconds (capped). If the account's
 * connection limit is reached, it resolves immediately, without `Preference-Applied`.
 */
export async function waitForJob(edge: Edge, context: Context<EdgeEnv>, job: Job): Promise<Waited<Job>> {
  const now = await latest(edge, context, job);
  return { now, hasEnded: isTerminal(now.status) };
}

async function latest(edge: Edge, context: Context<EdgeEnv>, job: Job): Promise<Job> {
  const [, asked] = /(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])/.exec(context.req.header("Prefer") ?? "") ?? [];
  if (asked === undefined) return job;
  const { clock, connections, jobs, settings } = edge;
  const seconds = Math.min(Number(asked), settings.longestWait);
  const release = isTerminal(job.status)
    ? async () => undefined
    : await connections.take(job.account, seconds);
  if (!release) return job;
  context.header("Preference-Applied", `wait=${seconds}`);
  const until = clock.now() + seconds * 1000;
  const { signal } = context.req.raw;
  let now = job;
  try {
    while (!isTerminal(now.status) && clock.now() < until && !signal.aborted) {
      await clock.sleep(settings.pollInterval, signal);
      now = (await jobs.get(job.account, job.id)) ?? now;
    }
    return now;
  } finally {
    await release();
  }
}
