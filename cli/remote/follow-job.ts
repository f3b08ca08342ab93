import type { JobError, JobEvent, Progress, Status } from "visii-client";
import { VisibleError } from "visii-engine/errors";
import type { Context } from "../context.ts";
import { Interrupted } from "../interrupted.ts";
import { knownCode } from "./connect.ts";

interface RemoteJob {
  readonly id: string;
  readonly status: Status;
  readonly error?: JobError | undefined;
}

/** The client methods that every kind of job has. */
interface JobCalls<Job extends RemoteJob> {
  get(id: string): Promise<Job>;
  cancel(id: string): Promise<Job>;
  events(id: string, signal?: AbortSignal): AsyncGenerator<JobEvent>;
}

/**
 * Follows a job's events until it succeeds. Ctrl-C cancels the job.
 *
 * @throws VisibleError the job's error, or `canceled` if it was canceled elsewhere
 */
export async function followJob<Job extends RemoteJob>(
  { signal }: Context,
  calls: JobCalls<Job>,
  id: string,
  onProgress: (progress: Progress) => void,
): Promise<Job> {
  try {
    signal.throwIfAborted();
    for await (const event of calls.events(id, signal))
      if (event.type === "progress") onProgress(event.progress);
  } catch (error) {
    if (!signal.aborted) throw error;
    await calls.cancel(id);
    throw new Interrupted(`Stopped and canceled ${id} on the server; you are not charged.`);
  }
  const job = await calls.get(id);
  if (job.status === "succeeded") return job;
  if (job.error) throw new VisibleError(knownCode(job.error.code), job.error.message);
  throw new VisibleError("canceled", `${id} was canceled on the server.`);
}
