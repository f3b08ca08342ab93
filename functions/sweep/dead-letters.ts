import { type ConcludePorts, conclude } from "../../shared/jobs/conclude.ts";
import { jobMessageSchema } from "../../shared/jobs/job.ts";
import { parseJson } from "../../shared/json.ts";
import { metrics } from "../../shared/metrics.ts";
import type { JobQueue } from "../../shared/ports/job-queue.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";
import { traceFacts } from "../../shared/trace.ts";
import { repairJob } from "./repair-job.ts";

type DeadLetterPorts = ConcludePorts & { readonly log: Log; readonly objects: ObjectStore };

/** Receives and handles up to ten dead-letter messages. Resolves with their number. */
export async function drainDeadLetters(ports: DeadLetterPorts, dead: JobQueue): Promise<number> {
  const messages = await dead.receive({ maximum: 10, waitSeconds: 0, visibilitySeconds: 60 });
  for (const { body, receipt } of messages) {
    await handleDeadLetter(ports, body);
    await dead.delete(receipt);
  }
  return messages.length;
}

/**
 * Handles a dead-letter message. The delivery count does not mean that the job failed, because messages are
 * also delivered to workers that cannot take them. The job's row decides: a healthy worker keeps the job; a
 * queued job gets a new message. Idempotent.
 */
export async function handleDeadLetter(ports: DeadLetterPorts, body: string): Promise<void> {
  const { jobs, log, clock } = ports;
  const parsed = jobMessageSchema.safeParse(parseJson(body));
  const counted = (kind: string) => metrics({ DeadLetters: [1, "Count"] }, { Kind: kind }, clock.now());
  if (!parsed.success)
    return log.error("a dead-letter message does not name a job", {
      body: body.slice(0, 200),
      ...counted("unknown"),
    });
  const { account, job: id } = parsed.data;
  const job = await jobs.get(account, id);
  if (job?.status === "running") await repairJob(ports, account, id);
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
