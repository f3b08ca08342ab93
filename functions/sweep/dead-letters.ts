import { jobMessageSchema } from "../../shared/jobs/job.ts";
import { parseJson } from "../../shared/json.ts";
import { metrics } from "../../shared/metrics.ts";
import type { JobQueue } from "../../shared/ports/job-queue.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";
import { traceFacts } from "../../shared/trace.ts";
import { type SettlePorts, settle } from "../settlement/settle.ts";
import { repairJob } from "./repair-job.ts";

type DeadLetterPorts = SettlePorts & { readonly log: Log; readonly objects: ObjectStore };

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
  const open = await jobs.load(account, id);
  const { job, run } = open ?? {};
  if (run !== undefined && run !== "damaged" && run.status === "queued") await jobs.runs.enqueue(run);
  else if (run !== undefined && run !== "damaged" && run.status === "running")
    await repairJob(ports, account, id);
  else await settle(ports, account, id);
  log.error("a message was delivered too often", {
    job: id,
    ...traceFacts(job?.trace),
    status: run === "damaged" ? run : ((run ?? job)?.status ?? "deleted"),
    reason: run === "damaged" ? undefined : run?.last_failure,
    ...counted(job?.request.kind ?? "unknown"),
  });
}
