import { readAccount } from "../accounts/account.ts";
import { defined } from "../defined.ts";
import { deriveId } from "../ids.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { type MeterRow, meterKey } from "../ledger/meter-row.ts";
import { lifetimes } from "../object-keys.ts";
import { type Clock, toIso } from "../ports/clock.ts";
import type { Table } from "../ports/table.ts";
import type { StoredLine } from "../resources/batch.ts";
import { isTerminal } from "../resources/fields.ts";
import { parseRow, rowKeys } from "../rows.ts";
import {
  type StoredDelivery,
  storedWebhookSchema,
  type WebhookEvent,
  type WebhookPayload,
} from "../webhooks/webhook.ts";
import { bytesAtEnd, type Job, resourceOfKind } from "./job.ts";
import { appendEvent, lastEventId } from "./job-events.ts";
import type { JobStore } from "./job-store.ts";
import { insertLine } from "./line-row.ts";

export interface ConcludePorts {
  readonly jobs: JobStore;
  readonly ledger: Ledger;
  readonly table: Table;
  readonly clock: Clock;
}

/**
 * Concludes a job that has ended: settles the ledger, publishes the last event, updates the batch and creates
 * webhook deliveries. Every step is idempotent, so the sweeper can complete it after a crash.
 */
export async function conclude(ports: ConcludePorts, job: Job): Promise<void> {
  if (!isTerminal(job.status) || job.concluded) return;
  const { table, clock, ledger, jobs } = ports;
  // A batch charges its lines together and sends its own webhooks.
  if (job.batch) await insertLine(table, clock, job.batch.id, lineOf(job, job.batch.line));
  else {
    await ledger.settle(job.account, job.id, job.usage, bytesAtEnd(job));
    await appendEvent(table, clock, job.id, lastEventId, {
      type: "status",
      status: job.status,
      ...defined({ error: job.error }),
    });
    await insertMeterRow(table, job);
    await announce(ports, job);
  }
  await jobs.markConcluded(job);
}

function lineOf(job: Job, line: number): StoredLine {
  const { id, status, results, error, reserved, usage } = job;
  return {
    line,
    job: id,
    status,
    reserved,
    results: results.map(({ width, height }) => ({ width, height })),
    ...defined({ error, usage, bytes: bytesAtEnd(job) || undefined }),
  };
}

/** Stores a row for the billing service if the account has a billing customer. */
async function insertMeterRow(table: Table, job: Job): Promise<void> {
  const { account, id, usage, finished_at: at } = job;
  if (!usage?.credits || at === undefined) return;
  const customer = (await readAccount(table, account))?.billing_customer;
  if (customer === undefined) return;
  const data: MeterRow = { job: id, customer, credits: usage.credits, at, attempts: 0 };
  await table.insert({ ...meterKey(account, id), data, due: at });
}

async function announce(ports: ConcludePorts, job: Job): Promise<void> {
  const type: WebhookEvent = `${resourceOfKind[job.request.kind]}.${job.status as "succeeded"}`;
  await announceEnd(ports, job.account, job.id, type, job.request.webhook, {
    id: job.id,
    status: job.status,
    ...defined({ usage: job.usage, error: job.error, metadata: job.request.metadata }),
  });
}

/** Stores a due delivery for each webhook subscribed to `type`. Idempotent. */
export async function announceEnd(
  { table, clock }: Pick<ConcludePorts, "table" | "clock">,
  account: string,
  subject: string,
  type: WebhookEvent,
  ownUrl: string | undefined,
  data: WebhookPayload["data"],
): Promise<void> {
  const rows = await table.query(account, { prefix: "whk#", limit: 50 });
  const subscribed = rows
    .map((row) => parseRow(storedWebhookSchema, row).data)
    .filter(({ enabled, events }) => enabled && (events?.includes(type) ?? true));
  const targets: { readonly url: string; readonly webhook?: string }[] = subscribed.map(({ id, url }) => ({
    webhook: id,
    url,
  }));
  if (ownUrl !== undefined && (await readAccount(table, account))) targets.push({ url: ownUrl });
  const now = toIso(clock.now());
  const payload: WebhookPayload = { type, timestamp: now, data };
  for (const { url, webhook } of targets) {
    const delivery: StoredDelivery = {
      id: deriveId("delivery", subject, `${type} ${webhook ?? url}`),
      account,
      ...defined({ webhook }),
      url,
      type,
      status: "pending",
      attempts: 0,
      created_at: now,
      next_attempt_at: now,
      body: JSON.stringify(payload),
    };
    const expires = Math.floor(clock.now() / 1000) + lifetimes.delivery;
    await table.insert({ ...rowKeys.resource(account, delivery.id), data: delivery, due: now, expires });
  }
}
