import { type ConcludePorts, conclude } from "../../shared/jobs/conclude.ts";
import { jobMessageSchema } from "../../shared/jobs/job.ts";
import type { JobQueue } from "../../shared/ports/job-queue.ts";
import type { Log } from "../../shared/ports/log.ts";

/**
 * Takes what no worker could finish off a dead-letter queue: its job is marked failed, with the reason, and everyone is told.
 * Resolves with how many there were.
 */
export async function buryDead(
  ports: ConcludePorts & { readonly log: Log },
  dead: JobQueue,
): Promise<number> {
  const { jobs, log } = ports;
  const messages = await dead.receive({ maximum: 10, waitSeconds: 0, visibilitySeconds: 60 });
  for (const { body, receipt } of messages) {
    const parsed = jobMessageSchema.safeParse(parseJson(body));
    if (!parsed.success) log.error("a dead message is none of ours", { body: body.slice(0, 200) });
    else {
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
      log.error("a job was given up", { job: id, reason });
    }
    await dead.delete(receipt);
  }
  return messages.length;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
