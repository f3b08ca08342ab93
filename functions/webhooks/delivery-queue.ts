import { z } from "zod";
import { parseJson } from "../../shared/json.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { JobQueue } from "../../shared/ports/job-queue.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { Table } from "../../shared/ports/table.ts";
import { rowKeys } from "../../shared/rows.ts";
import { type DeliveryPorts, deliverWebhook } from "./deliver-webhook.ts";

/** Message that names a delivery's row. */
const messageSchema = z.object({
  version: z.literal(1),
  account: z.string().regex(/^acc_[0-9a-z]{26}$/),
  delivery: z.string().regex(/^dlv_[0-9a-z]{26}$/),
});

/** Milliseconds after which a message that had no effect is sent again. */
const lostAfter = 5 * 60_000;

/**
 * Queues a due delivery for the function that sends webhooks, so that the sweeper never waits for a caller's
 * server.
 */
export async function queueDelivery(
  { table, clock, webhooks }: { readonly table: Table; readonly clock: Clock; readonly webhooks: JobQueue },
  account: string,
  delivery: string,
): Promise<void> {
  const due = toIso(clock.now() + lostAfter);
  const isPending = { path: ["status"], equals: "pending" };
  // Before sending, because the message may be handled immediately, and the row must not change after that.
  if ((await table.amend(rowKeys.resource(account, delivery), { due }, [isPending])) === "conflict") return;
  await webhooks.send(JSON.stringify({ version: 1, account, delivery }));
}

/**
 * Sends the delivery that a message points to. Retries depend on the row, so the message can always be
 * deleted.
 */
export async function deliverMessage(
  ports: DeliveryPorts & { readonly log: Log },
  body: string,
): Promise<void> {
  const parsed = messageSchema.safeParse(parseJson(body));
  if (parsed.success) await deliverWebhook(ports, parsed.data.account, parsed.data.delivery);
  else ports.log.error("a message does not name a delivery", { body: body.slice(0, 200) });
}

/** Receives up to ten messages and sends their deliveries concurrently. Resolves with their number. */
export async function deliverQueued(
  ports: DeliveryPorts & { readonly log: Log },
  webhooks: JobQueue,
): Promise<number> {
  const messages = await webhooks.receive({ maximum: 10, waitSeconds: 0, visibilitySeconds: 60 });
  await Promise.all(
    messages.map(async ({ body, receipt }) => {
      await deliverMessage(ports, body);
      await webhooks.delete(receipt);
    }),
  );
  return messages.length;
}
