import { type ConcludePorts, conclude } from "../../shared/jobs/conclude.ts";
import { jobMessageSchema } from "../../shared/jobs/job.ts";
import { metrics } from "../../shared/metrics.ts";
import type { JobQueue } from "../../shared/ports/job-queue.ts";
import type { Log } from "../../shared/ports/log.ts";
import { traceFacts } from "../../shared/trace.ts";

type BuryPorts = ConcludePorts & { readonly log: Log };

/** Takes what lies on a dead-letter queue off it, ten at most. Resolves with how many there were. */
export async function buryDead(ports: BuryPorts, dead: JobQueue): Promise<number> {
  const messages = await dead.receive({ maximum: 10, waitSeconds: 0, visibilitySeconds: 60 });
  for (const { body, receipt } of messages) {
    await bury(ports, body);
    await dead.delete(receipt);
  }
  return messages.length;
}

/** Deals with what no worker could finish: its job is marked failed, with the reason, and everyone is told. Safe to repeat. */
export async function bury(ports: BuryPorts, body: string): Promise<void> {
  const { jobs, log, clock } = ports;
  const parsed = jobMessageSchema.safeParse(parseJson(body));
  const counted = (kind: string) => metrics({ DeadLetters: [1, "Count"] }, { Kind: kind }, clock.now());
  if (!parsed.success)
    return log.error("a dead message is none of ours", { body: body.slice(0, 200), ...counted("unknown") });
  const { account, job: id } = parsed.data;
  const job = await jobs.get(account, id);
  const reason = job?.last_failure ?? "its worker fell silent each time";
  const ended = await jobs.end(
    { account, id },
    {
      status: "failed",
      error: { code: "gave_up", message: `Tried too often without success: ${reason}.` },
    },
  );
  if (ended) await conclude(ports, ended);
  log.error("a job was given up", {
    job: id,
    ...traceFacts(job?.trace),
    reason,
    ...counted(job?.request.kind ?? "unknown"),
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
