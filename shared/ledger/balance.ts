import { z } from "zod";
import { timeSchema, usageSchema } from "../resources/fields.ts";

/** One movement of money. `credits` is the change of what is available; all entries of an account sum to its balance. */
export const ledgerEntrySchema = z.object({
  /** Follows from what it is about, so that it is written once: `edt_…#settle`. */
  id: z.string(),
  at: timeSchema,
  kind: z.enum(["grant", "reserve", "settle", "release"]),
  credits: z.number().int(),
  job: z.string().optional(),
  usage: usageSchema.optional(),
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;

/**
 * An account's money, in one row so that one conditional write moves it: what is open says whether a job was settled yet,
 * and entries wait in `outbox` until they stand in the ledger.
 */
export const balanceSchema = z.object({
  account: z.string(),
  available: z.number().int(),
  open: z.record(z.string(), z.object({ credits: z.number().int(), at: timeSchema })),
  outbox: z.array(ledgerEntrySchema),
  /** The latest references by which credit was added, so that each adds once. */
  grants: z.array(z.string()).optional(),
});
export type Balance = z.infer<typeof balanceSchema>;

/** Sets credits aside for a job; `"no credit"` when there are too few, the same balance when it was done before. */
export function reserve(balance: Balance, job: string, credits: number, at: string): Balance | "no credit" {
  if (balance.open[job]) return balance;
  if (balance.available < credits) return "no credit";
  return {
    ...balance,
    available: balance.available - credits,
    open: { ...balance.open, [job]: { credits, at } },
    outbox: [...balance.outbox, { id: `${job}#reserve`, at, kind: "reserve", credits: -credits, job }],
  };
}

/** Ends a reservation: the cost of `usage` is kept, the rest returns. Without usage all of it does. Done once. */
export function settle(
  balance: Balance,
  job: string,
  usage: LedgerEntry["usage"] | undefined,
  at: string,
): Balance {
  const { [job]: reserved, ...open } = balance.open;
  if (!reserved) return balance;
  const credits = reserved.credits - (usage?.credits ?? 0);
  const kind = usage ? "settle" : "release";
  const entry: LedgerEntry = { id: `${job}#${kind}`, at, kind, credits, job, ...(usage ? { usage } : {}) };
  return { ...balance, available: balance.available + credits, open, outbox: [...balance.outbox, entry] };
}

/** References that are remembered. */
const rememberedGrants = 200;

/** Adds credit, once for each reference (a payment's id, say). */
export function grant(balance: Balance, reference: string, credits: number, at: string): Balance {
  const grants = balance.grants ?? [];
  if (grants.includes(reference)) return balance;
  const entry: LedgerEntry = { id: `${reference}#grant`, at, kind: "grant", credits };
  return {
    ...balance,
    available: balance.available + credits,
    outbox: [...balance.outbox, entry],
    grants: [...grants, reference].slice(-rememberedGrants),
  };
}
