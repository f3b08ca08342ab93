import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { readAccount, rotateAccountSecret } from "../../shared/accounts/account.ts";
import { defined } from "../../shared/defined.ts";
import { idSchema } from "../../shared/ids.ts";
import { lifetimes } from "../../shared/object-keys.ts";
import { toIso } from "../../shared/ports/clock.ts";
import { parseRow, rowKeys, updateRow } from "../../shared/rows.ts";
import { createSecret } from "../../shared/webhooks/signing.ts";
import {
  createdWebhookSchema,
  createWebhookSchema,
  type DeliveryResource,
  deliverySchema,
  type StoredDelivery,
  type StoredWebhook,
  secretOverlap,
  storedDeliverySchema,
  storedWebhookSchema,
  updateWebhookSchema,
  type WebhookPayload,
  type WebhookResource,
  webhookSchema,
} from "../../shared/webhooks/webhook.ts";
import { deliveryCallback } from "../describe-api.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-responses.ts";
import { requireAllowedWebhook } from "../webhook-url.ts";
import { idempotencyKeyHeader } from "./request-headers.ts";
import { idParams, json, jsonBody, linksTo, orProblem, secured } from "./route-parts.ts";

const base = { tags: ["Webhooks"], security: secured };
const one = { params: idParams("webhook") };
const maxWebhooks = 20;
const shown = webhookSchema.meta({ id: "Webhook" });
const shownDelivery = deliverySchema.meta({ id: "Delivery" });
const created = createdWebhookSchema.meta({ id: "CreatedWebhook" });

const create = createRoute({
  ...base,
  method: "post",
  path: "/v1/webhooks",
  operationId: "createWebhook",
  callbacks: deliveryCallback,
  parameters: [idempotencyKeyHeader],
  summary: "Create a webhook; only this response contains its secret",
  request: jsonBody(createWebhookSchema, { url: "https://example.com/visii" }),
  responses: {
    201: {
      ...json(created, "The webhook"),
      ...linksTo("getWebhook", "updateWebhook", "pingWebhook", "rotateWebhook", "deleteWebhook"),
    },
    ...orProblem,
  },
});
const list = createRoute({
  ...base,
  method: "get",
  path: "/v1/webhooks",
  operationId: "listWebhooks",
  summary: "List webhooks",
  responses: {
    200: json(z.object({ data: z.array(shown) }).meta({ id: "WebhookList" }), "All webhooks"),
    ...orProblem,
  },
});
const get = createRoute({
  ...base,
  method: "get",
  path: "/v1/webhooks/{id}",
  operationId: "getWebhook",
  summary: "Get a webhook",
  request: one,
  responses: { 200: json(shown, "The webhook"), ...orProblem },
});
const update = createRoute({
  ...base,
  method: "patch",
  path: "/v1/webhooks/{id}",
  operationId: "updateWebhook",
  summary: "Change a webhook's URL or events, or enable or disable it",
  request: { ...one, ...jsonBody(updateWebhookSchema, { enabled: false }) },
  responses: { 200: json(shown, "The webhook"), ...orProblem },
});
const ping = createRoute({
  ...base,
  method: "post",
  path: "/v1/webhooks/{id}/ping",
  operationId: "pingWebhook",
  summary: "Send a `ping` to a webhook",
  request: one,
  responses: {
    202: { ...json(shownDelivery, "The delivery"), ...linksTo("replayDelivery") },
    ...orProblem,
  },
});
const remove = createRoute({
  ...base,
  method: "delete",
  path: "/v1/webhooks/{id}",
  operationId: "deleteWebhook",
  summary: "Delete a webhook",
  request: one,
  responses: { 204: { description: "Deleted" }, ...orProblem },
});
const deliveries = createRoute({
  ...base,
  method: "get",
  path: "/v1/webhooks/deliveries",
  operationId: "listDeliveries",
  summary: "List the last 100 deliveries",
  responses: {
    200: json(z.object({ data: z.array(shownDelivery) }).meta({ id: "DeliveryList" }), "Deliveries"),
    ...orProblem,
  },
});
const replay = createRoute({
  ...base,
  method: "post",
  path: "/v1/webhooks/deliveries/{id}/replay",
  operationId: "replayDelivery",
  summary: "Send a delivery again",
  request: { params: z.object({ id: idSchema("delivery") }) },
  responses: { 202: json(shownDelivery, "The delivery"), ...orProblem },
});

const rotate = createRoute({
  ...base,
  method: "post",
  path: "/v1/webhooks/{id}/rotate",
  operationId: "rotateWebhook",
  summary: "Rotate a webhook's secret; both secrets sign for 24 hours",
  request: one,
  responses: { 200: json(created, "The webhook with its new secret"), ...orProblem },
});
const secretSchema = z.object({ secret: z.string() }).meta({ id: "WebhookSecret" });
const ownSecret = createRoute({
  ...base,
  method: "get",
  path: "/v1/webhooks/secret",
  operationId: "getWebhookSecret",
  summary: "Get the secret that signs deliveries to the `webhook` URLs of jobs",
  responses: { 200: json(secretSchema, "The secret"), ...orProblem },
});
const rotateOwn = createRoute({
  ...base,
  method: "post",
  path: "/v1/webhooks/secret/rotate",
  operationId: "rotateWebhookSecret",
  summary: "Rotate the secret for the `webhook` URLs of jobs; both secrets sign for 24 hours",
  responses: { 200: json(secretSchema, "The new secret"), ...orProblem },
});

const present = ({ account: _, secret: __, previous: ___, ...webhook }: StoredWebhook): WebhookResource =>
  webhook;
const presentDelivery = ({ account: _, body: __, ...delivery }: StoredDelivery): DeliveryResource => delivery;

/** Adds the routes of webhooks and their deliveries. */
export function addWebhookRoutes(app: OpenAPIHono<EdgeEnv>, edge: Edge): void {
  const { table, clock, random } = edge;
  const read = async (account: string) =>
    (await table.query(account, { prefix: "whk#", limit: maxWebhooks })).map(
      (row) => parseRow(storedWebhookSchema, row).data,
    );

  const noWebhook = (id: string) => refuse("not_found", `Webhook ${id} not found.`);
  async function requireWebhook(account: string, id: string): Promise<StoredWebhook> {
    const row = await table.get(rowKeys.resource(account, id));
    if (!row) throw noWebhook(id);
    return parseRow(storedWebhookSchema, row).data;
  }

  app.openapi(deliveries, async (context) => {
    const rows = await table.query(context.get("account"), { prefix: "dlv#", limit: 100, newestFirst: true });
    return context.json(
      { data: rows.map((row) => presentDelivery(parseRow(storedDeliverySchema, row).data)) },
      200,
    );
  });

  app.openapi(replay, async (context) => {
    const { id } = context.req.valid("param");
    const now = toIso(clock.now());
    const stored = await updateRow(
      table,
      rowKeys.resource(context.get("account"), id),
      storedDeliverySchema,
      (delivery) => ({
        data: { ...delivery, status: "pending", attempts: 0, next_attempt_at: now },
        due: now,
      }),
    );
    if (!stored) throw refuse("not_found", `Delivery ${id} not found.`);
    return context.json(presentDelivery(stored.data), 202);
  });

  app.openapi(create, async (context) => {
    const { url, events } = context.req.valid("json");
    const account = context.get("account");
    requireAllowedWebhook(edge, url);
    if ((await read(account)).length >= maxWebhooks)
      throw refuse("invalid_request", `The account has ${maxWebhooks} webhooks, the limit; delete one.`);
    const webhook: StoredWebhook = {
      id: context.get("newId")("webhook"),
      url,
      enabled: true,
      account,
      ...defined({ events }),
      created_at: toIso(clock.now()),
      secret: createSecret(random(24)),
    };
    const key = rowKeys.resource(account, webhook.id);
    // An earlier attempt may have created the webhook, but its secret was never returned.
    if (context.get("resumed")) await table.delete(key);
    await table.insert({ ...key, data: webhook });
    return context.json({ ...present(webhook), secret: webhook.secret }, 201);
  });

  app.openapi(list, async (context) =>
    context.json({ data: (await read(context.get("account"))).map(present) }, 200),
  );

  app.openapi(update, async (context) => {
    const { id } = context.req.valid("param");
    const { url, events, enabled } = context.req.valid("json");
    requireAllowedWebhook(edge, url);
    const key = rowKeys.resource(context.get("account"), id);
    const stored = await updateRow(table, key, storedWebhookSchema, ({ events: before, ...webhook }) => ({
      data: {
        ...webhook,
        ...defined({ url, enabled, events: events === undefined ? before : (events ?? undefined) }),
      },
    }));
    if (!stored) throw noWebhook(id);
    return context.json(present(stored.data), 200);
  });

  app.openapi(ping, async (context) => {
    const account = context.get("account");
    const { id, url } = await requireWebhook(account, context.req.valid("param").id);
    const now = toIso(clock.now());
    const payload: WebhookPayload = { type: "ping", timestamp: now, data: { id, status: "ok" } };
    const delivery: StoredDelivery = {
      id: context.get("newId")("delivery"),
      account,
      webhook: id,
      url,
      type: "ping",
      status: "pending",
      attempts: 0,
      created_at: now,
      next_attempt_at: now,
      body: JSON.stringify(payload),
    };
    const expires = Math.floor(clock.now() / 1000) + lifetimes.delivery;
    await table.insert({ ...rowKeys.resource(account, delivery.id), data: delivery, due: now, expires });
    return context.json(presentDelivery(delivery), 202);
  });

  const overlapEnd = () => toIso(clock.now() + secretOverlap * 1000);

  app.openapi(ownSecret, async (context) => {
    const owner = await readAccount(table, context.get("account"));
    if (!owner) throw refuse("not_found", "The account does not exist.");
    return context.json({ secret: owner.webhook_secret }, 200);
  });

  app.openapi(rotateOwn, async (context) => {
    const secret = createSecret(random(24));
    await rotateAccountSecret(table, context.get("account"), secret, overlapEnd());
    return context.json({ secret }, 200);
  });

  app.openapi(rotate, async (context) => {
    const { id } = context.req.valid("param");
    const key = rowKeys.resource(context.get("account"), id);
    const secret = createSecret(random(24));
    const stored = await updateRow(table, key, storedWebhookSchema, (webhook) => ({
      data: { ...webhook, secret, previous: { secret: webhook.secret, until: overlapEnd() } },
    }));
    if (!stored) throw noWebhook(id);
    return context.json({ ...present(stored.data), secret }, 200);
  });

  app.openapi(remove, async (context) => {
    const { id } = context.req.valid("param");
    const account = context.get("account");
    await requireWebhook(account, id);
    await table.delete(rowKeys.resource(account, id));
    return context.body(null, 204);
  });

  // Registered after the fixed paths, which would otherwise match as IDs.
  app.openapi(get, async (context) => {
    const { id } = context.req.valid("param");
    return context.json(present(await requireWebhook(context.get("account"), id)), 200);
  });
}
