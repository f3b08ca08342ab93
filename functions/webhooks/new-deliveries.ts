import { readAccount } from "../../shared/accounts/account.ts";
import { defined } from "../../shared/defined.ts";
import { deriveId } from "../../shared/ids.ts";
import { lifetimes } from "../../shared/object-keys.ts";
import { type Clock, toIso } from "../../shared/ports/clock.ts";
import type { NewRow, Table } from "../../shared/ports/table.ts";
import { parseRow, rowKeys } from "../../shared/rows.ts";
import {
  type StoredDelivery,
  storedWebhookSchema,
  type WebhookEvent,
  type WebhookPayload,
} from "../../shared/webhooks/webhook.ts";

/**
 * Creates a due delivery for each webhook subscribed to `type`, and for `ownUrl`. Repeated calls give the
 * same IDs.
 */
export async function newDeliveries(
  { table, clock }: { readonly table: Table; readonly clock: Clock },
  account: string,
  subject: string,
  type: WebhookEvent,
  ownUrl: string | undefined,
  data: WebhookPayload["data"],
): Promise<readonly NewRow[]> {
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
  const expires = Math.floor(clock.now() / 1000) + lifetimes.delivery;
  return targets.map(({ url, webhook }) => {
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
    return { ...rowKeys.resource(account, delivery.id), data: delivery, due: now, expires };
  });
}
