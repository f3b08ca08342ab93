import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { readAccount } from "../../shared/accounts/account.ts";
import { idSchema } from "../../shared/ids.ts";
import { toIso } from "../../shared/ports/clock.ts";
import { timeSchema } from "../../shared/resources/fields.ts";
import { rowKeys } from "../../shared/rows.ts";
import { readTotals, storageLimit } from "../../shared/totals.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-responses.ts";
import { json, orProblem, secured } from "./route-parts.ts";

const base = { tags: ["Account"], path: "/v1/account", security: secured };
const accountSchema = z
  .object({
    id: idSchema("account"),
    object: z.literal("account"),
    name: z.string(),
    created_at: timeSchema,
    balance: z.number().int().describe("Available credits, in millionths of a US dollar."),
    reserved: z.number().int().describe("Credits reserved for open jobs."),
    stored_bytes: z
      .number()
      .int()
      .describe("Bytes of uploads and results, and those reserved for the results of open edits."),
    storage_limit: z.number().int().describe("Bytes that the account may store."),
    schedules: z.number().int().describe("Schedules that have not ended."),
  })
  .meta({ id: "Account" });

const get = createRoute({
  ...base,
  method: "get",
  operationId: "getAccount",
  summary: "Get the key's account",
  responses: { 200: json(accountSchema, "The account"), ...orProblem },
});
const close = createRoute({
  ...base,
  method: "delete",
  operationId: "deleteAccount",
  summary: "Close the account and erase everything except its ledger and balance",
  request: {
    query: z.object({
      confirm: idSchema("account").describe("The account's ID, as a confirmation."),
    }),
  },
  responses: {
    202: { description: "Accepted: the keys are revoked; the data is erased within minutes" },
    ...orProblem,
  },
});

/** Adds the routes of the key's account: reading and closing it. */
export function addAccountRoutes(app: OpenAPIHono<EdgeEnv>, { table, clock, ledger, keys }: Edge): void {
  app.openapi(get, async (context) => {
    const id = context.get("account");
    const [account, balance, totals] = await Promise.all([
      readAccount(table, id),
      ledger.balance(id),
      readTotals(table, id),
    ]);
    if (!account) throw refuse("not_found", "The account does not exist.");
    const { name, created_at } = account;
    const { available = 0, reserved = 0 } = balance ?? {};
    return context.json(
      {
        id,
        object: "account" as const,
        name,
        created_at,
        balance: available,
        reserved,
        stored_bytes: totals.bytes,
        storage_limit: storageLimit(account),
        schedules: totals.schedules,
      },
      200,
    );
  });

  app.openapi(close, async (context) => {
    const account = context.get("account");
    if (context.req.valid("query").confirm !== account)
      throw refuse("invalid_request", "/confirm: must be the account's ID, which GET /v1/account returns");
    // Before the keys are revoked, so that the sweeper completes the erasure if this process dies.
    await table.insert({
      ...rowKeys.erasure(account),
      data: { account, times: 0 },
      due: toIso(clock.now()),
    });
    for (let own = await keys.list(account, 100); own.length; own = await keys.list(account, 100))
      for (const { id } of own) await keys.revoke(account, id);
    return context.body(null, 202);
  });
}
