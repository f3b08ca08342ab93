import { jobMessageSchema } from "../../shared/jobs/job.ts";
import { parseJson } from "../../shared/json.ts";
import type { JobQueue } from "../../shared/ports/job-queue.ts";
import type { Log } from "../../shared/ports/log.ts";
import { type SettlePorts, settle } from "./settle.ts";

type QueuePorts = SettlePorts & { readonly log: Log };

/** Settles the job of a message. If it fails, the job's run stays due and the sweeper settles it. */
export async function settleMessage(ports: QueuePorts, body: string): Promise<void> {
  const parsed = jobMessageSchema.safeParse(parseJson(body));
  if (parsed.success) await settle(ports, parsed.data.account, parsed.data.job);
  else ports.log.error("a settlement message does not name a job", { body: body.slice(0, 200) });
}

/** Waits for up to ten messages and settles their jobs concurrently. Resolves with their number. */
export async function settleQueued(
  ports: QueuePorts,
  settlements: JobQueue,
  waitSeconds: number,
  signal?: AbortSignal,
): Promise<number> {
  const messages = await settlements.receive({
    maximum: 10,
    waitSeconds,
    visibilitySeconds: 60,
    ...(signal ? { signal } : {}),
  });
  await Promise.all(
    messages.map(async ({ body, receipt }) => {
      await settleMessage(ports, body);
      await settlements.delete(receipt);
    }),
  );
  return messages.length;
}
