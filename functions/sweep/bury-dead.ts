import { type ConcludePorts, conclude } from "../../shared/jobs/conclude.ts";
import { jobMessageSchema } from "../../shared/jobs/job.ts";
import { parseJson } from "../../shared/json.ts";
import { metrics } from "../../shared/metrics.ts";
import type { JobQueue } from "../../shared/ports/job-queue.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";
import { traceFacts } from "../../shared/trace.ts";
import { mendJob } from "./mend-job.ts";

type BuryPorts = ConcludePorts & { readonly log: Log; readonly objects: ObjectStore };

/** Takes up to ten messages off a dead-letter queue. Resolves with how many there were. */
export async function buryDead(ports: BuryPorts, dead: JobQueue): Promise<number> {
  const messages = await dead.receive({ maximum: 10, waitSeconds: 0, visibilitySeconds: 60 });
  for (const { body, receipt } of messages) {
    await bury(ports, body);
    await dead.delete(receipt);
  }
  return messages.length;
}

/**
 * Handles a message that was delivered too often. Deliveries say little about its job: messages are also delivered to workers
 * that cannot take it. So the job's row decides, which counts its failed attempts: a healthy worker keeps the job, a job that
 * waits gets a new message. Safe to repeat.
 */
export async function bury(ports: BuryPorts, body: string): Promise<void> {
  const { jobs, log, clock } = ports;
  const parsed = jobMessageSchema.safeParse(parseJson(body));
  const counted = (kind: string) => metrics({ DeadLetters: [1, "Count"] }, { Kind: kind }, clock.now());
  if (!parsed.success)
    return log.error("a dead message names no job", { body: body.slice(0, 200), ...counted("unknown") });
  const { account, job: id } = parsed.data;
  const job = await jobs.get(account, id);
  if (job?.status === "running") await mendJob(ports, account, id);
  else if (job?.status === "queued") await jobs.enqueue(job);
  else if (job) await conclude(ports, job);
  log.error("a message was delivered too often", {
    job: id,
    ...traceFacts(job?.trace),
    status: job?.status ?? "deleted",
    reason: job?.last_failure,
    ...counted(job?.request.kind ?? "unknown"),
  });
}
