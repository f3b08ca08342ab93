import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import {
  createdKeySchema,
  createKeySchema,
  type KeyResource,
  keySchema,
  type StoredKey,
} from "../../shared/accounts/api-key.ts";
import { defined } from "../../shared/defined.ts";
import { spenderOf } from "../../shared/ledger/spending.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-responses.ts";
import { idempotencyKeyHeader } from "./request-headers.ts";
import { idParams, json, jsonBody, linksTo, orProblem, secured } from "./route-parts.ts";

/** Maximum keys per account. The list has no pages, so that every key can be found and revoked. */
const maxKeys = 100;
const base = { tags: ["Keys"], security: secured };
const shown = keySchema.meta({ id: "Key" });
const create = createRoute({
  ...base,
  method: "post",
  path: "/v1/keys",
  operationId: "createKey",
  parameters: [idempotencyKeyHeader],
  summary: "Create an API key; only this response contains its secret",
  request: jsonBody(createKeySchema, { scopes: ["read", "write"] }),
  responses: {
    201: {
      ...json(createdKeySchema.meta({ id: "CreatedKey" }), "The key"),
      ...linksTo("getKey", "revokeKey"),
    },
    ...orProblem,
  },
});
const list = createRoute({
  ...base,
  method: "get",
  path: "/v1/keys",
  operationId: "listKeys",
  summary: "List API keys, without their secrets",
  responses: {
    200: json(z.object({ data: z.array(shown) }).meta({ id: "KeyList" }), "All keys"),
    ...orProblem,
  },
});
const get = createRoute({
  ...base,
  method: "get",
  path: "/v1/keys/{id}",
  operationId: "getKey",
  summary: "Get an API key and what it has spent this month, without its secret",
  request: { params: idParams("key") },
  responses: { 200: json(shown, "The key"), ...orProblem },
});
const revoke = createRoute({
  ...base,
  method: "delete",
  path: "/v1/keys/{id}",
  operationId: "revokeKey",
  summary: "Revoke an API key; it stops working within five seconds",
  request: { params: idParams("key") },
  responses: { 204: { description: "Revoked" }, ...orProblem },
});

/** Adds the routes of API keys. */
export function addKeyRoutes(app: OpenAPIHono<EdgeEnv>, { keys, settings, clock, ledger }: Edge): void {
  async function present({ account, hash: _, ...key }: StoredKey): Promise<KeyResource> {
    const spender = spenderOf(key, clock.now());
    if (!spender) return key;
    const { month, limit } = spender;
    const { used = 0, charged = 0 } = (await ledger.spending(account, spender)) ?? {};
    return { ...key, spending: { month, charged, reserved: used - charged, remaining: limit - used } };
  }

  app.openapi(create, async (context) => {
    const { name, scopes, expires_at, monthly_limit } = context.req.valid("json");
    if (expires_at !== undefined && Date.parse(expires_at) <= clock.now())
      throw refuse("invalid_request", "/expires_at: must be in the future");
    const own = context.get("key");
    const wanted = scopes ?? ["read", "write"];
    const beyond = wanted.find((scope) => !own.scopes.includes(scope));
    if (beyond)
      throw refuse(
        "missing_scope",
        `A key cannot grant the scope "${beyond}", which it does not have; use a key that has it.`,
      );
    if (monthly_limit !== undefined && wanted.includes("keys"))
      throw refuse(
        "invalid_request",
        '/monthly_limit: cannot be combined with the scope "keys", which can create keys without a limit',
      );
    if ((await keys.list(own.account, maxKeys)).length >= maxKeys)
      throw refuse(
        "too_many_keys",
        `The account has ${maxKeys} keys, the limit; revoke one that is no longer used.`,
      );
    const id = context.get("newId")("key");
    // An earlier attempt may have created the key, but its secret was never returned.
    if (context.get("resumed")) await keys.revoke(own.account, id);
    const { key, secret } = await keys.create(own.account, settings.environment, {
      id,
      ...defined({ name, expires_at, monthly_limit }),
      scopes: wanted,
    });
    return context.json({ ...(await present(key)), secret }, 201);
  });

  app.openapi(list, async (context) => {
    const data = await Promise.all((await keys.list(context.get("account"), maxKeys)).map(present));
    return context.json({ data }, 200);
  });

  app.openapi(get, async (context) => {
    const { id } = context.req.valid("param");
    const key = await keys.get(context.get("account"), id);
    if (!key) throw refuse("not_found", `Key ${id} not found.`);
    return context.json(await present(key), 200);
  });

  app.openapi(revoke, async (context) => {
    const { id } = context.req.valid("param");
    if (!(await keys.revoke(context.get("account"), id))) throw refuse("not_found", `Key ${id} not found.`);
    return context.body(null, 204);
  });
}
