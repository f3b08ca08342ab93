import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Edge, EdgeEnv } from "./edge.ts";

export const quoteSchema = z
  .object({
    object: z.literal("quote"),
    cost: z.number().int().describe("Credits that the request would reserve. The charge is never higher."),
    balance: z.number().int().describe("Available credits."),
    covered: z.boolean().describe("Whether the balance covers the cost."),
  })
  .meta({ id: "Quote" });

/** `Prefer: dry-run`: validate the request and return its cost without creating anything. */
export const isDryRun = (context: Context): boolean =>
  /(?:^|[,;\s])dry-run(?:$|[,;\s])/.test(context.req.header("Prefer") ?? "");

/** The response to a dry run. @param cost in credits */
export async function quote(
  { ledger }: Edge,
  context: Context<EdgeEnv>,
  cost: number,
): Promise<z.infer<typeof quoteSchema>> {
  context.header("Preference-Applied", "dry-run");
  const balance = (await ledger.balance(context.get("account")))?.available ?? 0;
  return { object: "quote", cost, balance, covered: balance >= cost };
}
