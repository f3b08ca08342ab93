import { readAccount } from "../../shared/accounts/account.ts";
import { type Clock, type RandomBytes, toIso } from "../../shared/ports/clock.ts";
import type { Table } from "../../shared/ports/table.ts";
import type { WebhookAnswer, WebhookSender } from "../../shared/ports/webhook-sender.ts";
import { parseRow, rowKeys, updateRow } from "../../shared/rows.ts";
import { signWebhook } from "../../shared/webhooks/signing.ts";
import {
  type PreviousSecret,
  type StoredDelivery,
  storedDeliverySchema,
  storedWebhookSchema,
} from "../../shared/webhooks/webhook.ts";

export interface DeliveryPorts {
  readonly table: Table;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly sender: WebhookSender;
}

const minute = 60;
const hour = 3600;
/** Seconds until the next attempt, by attempts made; afterwards it has failed. */
export const retrySchedule = [
  5,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
] as const;
/** Seconds for which a delivery belongs to who took it. */
const hold = 60;

/** Sends a delivery that is due, once: who takes its row first sends it. */
export async function deliverWebhook(ports: DeliveryPorts, account: string, id: string): Promise<void> {
  const { table, clock, sender } = ports;
  const key = rowKeys.resource(account, id);
  let taken: StoredDelivery | undefined;
  await updateRow(table, key, storedDeliverySchema, (delivery) => {
    taken = undefined;
    const due = delivery.next_attempt_at;
    if (delivery.status !== "pending" || (due !== undefined && Date.parse(due) > clock.now()))
      return undefined;
    const until = toIso(clock.now() + hold * 1000);
    taken = { ...delivery, attempts: delivery.attempts + 1, next_attempt_at: until };
    return { data: taken, due: until };
  });
  if (!taken) return;
  const secrets = await secretsOf(ports, taken);
  const answer: WebhookAnswer = secrets.length
    ? await sender.send(
        taken.url,
        { ...signWebhook(secrets, id, Math.floor(clock.now() / 1000), taken.body) },
        taken.body,
      )
    : { refused: "the webhook was deleted" };
  await settle(ports, taken, answer, !secrets.length);
}

async function settle(
  { table, clock, random }: DeliveryPorts,
  { account, id, webhook, attempts }: StoredDelivery,
  answer: WebhookAnswer,
  hopeless: boolean,
): Promise<void> {
  const status = "status" in answer ? answer.status : undefined;
  const delivered = status !== undefined && status >= 200 && status < 300;
  const wait = retrySchedule[attempts - 1];
  const final = delivered || hopeless || status === 410 || wait === undefined;
  const jitter = 1 + (random(1)[0] ?? 0) / 2560;
  const next = final ? undefined : toIso(clock.now() + (wait ?? 0) * jitter * 1000);
  await updateRow(
    table,
    rowKeys.resource(account, id),
    storedDeliverySchema,
    ({ next_attempt_at: _, ...delivery }) => ({
      data: {
        ...delivery,
        status: delivered ? "delivered" : final ? "failed" : "pending",
        ...(status === undefined ? {} : { response_status: status }),
        ...("refused" in answer ? { last_error: answer.refused } : {}),
        ...(next === undefined ? {} : { next_attempt_at: next }),
      },
      ...(next === undefined ? {} : { due: next }),
    }),
  );
  // 410 Gone: whoever listened there does not want to any more.
  if (status === 410 && webhook !== undefined)
    await updateRow(table, rowKeys.resource(account, webhook), storedWebhookSchema, (row) => ({
      data: { ...row, enabled: false },
    }));
}

/** What a delivery is signed by: the secret, and for a while the one before. None when the webhook is gone. */
async function secretsOf(
  { table, clock }: DeliveryPorts,
  { account, webhook }: StoredDelivery,
): Promise<readonly string[]> {
  const living = (secret: string, previous: PreviousSecret | undefined) =>
    previous && previous.until > toIso(clock.now()) ? [secret, previous.secret] : [secret];
  if (webhook === undefined) {
    const owner = await readAccount(table, account);
    return owner ? living(owner.webhook_secret, owner.previous_webhook_secret) : [];
  }
  const row = await table.get(rowKeys.resource(account, webhook));
  if (!row) return [];
  const { secret, previous } = parseRow(storedWebhookSchema, row).data;
  return living(secret, previous);
}
