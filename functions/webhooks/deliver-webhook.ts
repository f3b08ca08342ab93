import { readAccount } from "../../shared/accounts/account.ts";
import { defined } from "../../shared/defined.ts";
import { type Clock, type RandomBytes, toIso } from "../../shared/ports/clock.ts";
import type { Table } from "../../shared/ports/table.ts";
import type { WebhookOutcome, WebhookSender } from "../../shared/ports/webhook-sender.ts";
import { parseRow, rowKeys, updateRow } from "../../shared/rows.ts";
import { signWebhook } from "../../shared/webhooks/signing.ts";
import {
  type PreviousSecret,
  type StoredDelivery,
  storedDeliverySchema,
  storedWebhookSchema,
} from "../../shared/webhooks/webhook.ts";
import { ConnectionLimit } from "../connection-limit.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";

export interface DeliveryPorts {
  readonly table: Table;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly sender: WebhookSender;
}

/** Maximum concurrent connections per account and per host. */
export const maxConnections = { account: 4, host: 8 } as const;
/** Maximum seconds of a connection; the sender's timeout is shorter. */
const longestCall = 30;
/**
 * Milliseconds until the next attempt if no connection was free: a minimum plus a random part of the range.
 */
const busyWait = { least: 5000, range: 10_000 } as const;

const minute = 60;
const hour = 3600;
/** Seconds until the next attempt, by number of attempts. After the last attempt, the delivery has failed. */
const retrySchedule = [
  5,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
] as const;
/** Seconds for which a delivery is locked by the process that claimed it. */
const claimSeconds = 60;

/**
 * Sends a due delivery once: the first process to claim its row sends it. If too many are being sent, the
 * delivery is postponed.
 */
export async function deliverWebhook(ports: DeliveryPorts, account: string, id: string): Promise<void> {
  const { table, clock } = ports;
  const row = await table.get(rowKeys.resource(account, id));
  const delivery = row && parseRow(storedDeliverySchema, row).data;
  if (!delivery || !isDue(delivery, clock.now())) return;
  const { host } = new URL(delivery.url);
  const breaker = new CircuitBreaker(ports);
  const failures = await breaker.failuresIfOpen(account, host);
  if (failures !== undefined) {
    const taken = await take(ports, account, id);
    if (taken)
      await settle(
        ports,
        taken,
        { refused: `not sent: the last ${failures} calls to ${host} failed` },
        false,
      );
    return;
  }
  const release = await takeConnections(ports, account, host);
  if (!release) return postpone(ports, delivery);
  try {
    await send(ports, breaker, account, id, host);
  } finally {
    await release();
  }
}

const isDue = ({ status, next_attempt_at: due }: StoredDelivery, now: number): boolean =>
  status === "pending" && (due === undefined || Date.parse(due) <= now);

async function send(
  ports: DeliveryPorts,
  breaker: CircuitBreaker,
  account: string,
  id: string,
  host: string,
): Promise<void> {
  const { clock, sender } = ports;
  const taken = await take(ports, account, id);
  if (!taken) return;
  const secrets = await secretsOf(ports, taken);
  if (!secrets.length) return settle(ports, taken, { refused: "the webhook was deleted" }, true);
  const headers = { ...signWebhook(secrets, id, Math.floor(clock.now() / 1000), taken.body) };
  const answer = await sender.send(taken.url, headers, taken.body);
  await settle(ports, taken, answer, false);
  await breaker.record(account, host, "status" in answer && answer.status < 500 ? "answered" : "failed");
}

/**
 * Claims the delivery for this attempt. Returns undefined if another process has it or it is no longer due.
 */
async function take({ table, clock }: DeliveryPorts, account: string, id: string) {
  let taken: StoredDelivery | undefined;
  await updateRow(table, rowKeys.resource(account, id), storedDeliverySchema, (delivery) => {
    taken = undefined;
    if (!isDue(delivery, clock.now())) return undefined;
    const until = toIso(clock.now() + claimSeconds * 1000);
    taken = { ...delivery, attempts: delivery.attempts + 1, next_attempt_at: until };
    return { data: taken, due: until };
  });
  return taken;
}

/** Takes a connection of the account and one of the host. Returns undefined if either limit is reached. */
async function takeConnections(ports: DeliveryPorts, account: string, host: string) {
  const { account: ofAccount, host: ofHost } = maxConnections;
  const releaseAccount = await new ConnectionLimit(ports, ofAccount).take(
    `webhooks of ${account}`,
    longestCall,
  );
  if (!releaseAccount) return undefined;
  const releaseHost = await new ConnectionLimit(ports, ofHost).take(`webhooks to ${host}`, longestCall);
  if (!releaseHost) return void (await releaseAccount());
  return async () => {
    await Promise.all([releaseAccount(), releaseHost()]);
  };
}

/** Makes a delivery due again shortly, without counting an attempt. */
async function postpone(
  { table, clock, random }: DeliveryPorts,
  { account, id }: StoredDelivery,
): Promise<void> {
  const wait = busyWait.least + ((random(1)[0] ?? 0) / 256) * busyWait.range;
  const isPending = { path: ["status"], equals: "pending" };
  await table.amend(rowKeys.resource(account, id), { due: toIso(clock.now() + wait) }, [isPending]);
}

async function settle(
  { table, clock, random }: DeliveryPorts,
  { account, id, webhook, attempts }: StoredDelivery,
  answer: WebhookOutcome,
  permanent: boolean,
): Promise<void> {
  const status = "status" in answer ? answer.status : undefined;
  const delivered = status !== undefined && status >= 200 && status < 300;
  const wait = retrySchedule[attempts - 1];
  const final = delivered || permanent || status === 410 || wait === undefined;
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
        ...defined({ response_status: status }),
        ...("refused" in answer ? { last_error: answer.refused } : {}),
        ...defined({ next_attempt_at: next }),
      },
      ...defined({ due: next }),
    }),
  );
  // 410 Gone: the receiver wants no more deliveries.
  if (status === 410 && webhook !== undefined)
    await updateRow(table, rowKeys.resource(account, webhook), storedWebhookSchema, (row) => ({
      data: { ...row, enabled: false },
    }));
}

/**
 * Returns the secrets that sign a delivery: the current one and, after a rotation, the previous one. Empty if
 * the webhook was deleted.
 */
async function secretsOf(
  { table, clock }: DeliveryPorts,
  { account, webhook }: StoredDelivery,
): Promise<readonly string[]> {
  const current = (secret: string, previous: PreviousSecret | undefined) =>
    previous && previous.until > toIso(clock.now()) ? [secret, previous.secret] : [secret];
  if (webhook === undefined) {
    const owner = await readAccount(table, account);
    return owner ? current(owner.webhook_secret, owner.previous_webhook_secret) : [];
  }
  const row = await table.get(rowKeys.resource(account, webhook));
  if (!row) return [];
  const { secret, previous } = parseRow(storedWebhookSchema, row).data;
  return current(secret, previous);
}
