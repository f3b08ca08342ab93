import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { spenderOf } from "../shared/ledger/spending.ts";
import type { Edge, EdgeEnv } from "./edge.ts";

export const quoteSchema = z
  .object({
    object: z.literal("quote"),
    cost: z.number().int().describe("Credits that the request would reserve. The charge is never higher."),
    balance: z.number().int().describe("Available credits."),
    covered: z.boolean().describe("Whether the balance and the key's monthly limit cover the cost."),
  })
  .meta({ id: "Quote" });

/** `Prefer: dry-run`: validate the request and return its cost without creating anything. */
export const isDryRun = (context: Context): boolean =>
  /(?:^|[,;\s])dry-run(?:$|[,;\s])/.test(context.req.header("Prefer") ?? "");

/** The response to a dry run. @param cost in credits */
export async function quote(
  { ledger, clock }: Edge,
  context: Context<EdgeEnv>,
  cost: number,
): Promise<z.infer<typeof quoteSchema>> {
  context.header("Preference-Applied", "dry-run");
  const account = context.get("account");
  const balance = (await ledger.balance(account))?.available ?? 0;
  const left = await ledger.remaining(account, spenderOf(context.get("key"), clock.now()));
  return { object: "quote", cost, balance, covered: Math.min(balance, left) >= cost };
}
