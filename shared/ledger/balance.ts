import { z } from "zod";
import type { Amendment, RowTest } from "../ports/table.ts";
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
 * and entries wait in `outbox`, by their ids, until they stand in the ledger.
 */
export const balanceSchema = z.object({
  account: z.string(),
  available: z.number().int(),
  open: z.record(z.string(), z.object({ credits: z.number().int(), at: timeSchema })),
  outbox: z.record(z.string(), ledgerEntrySchema),
  /** The references by which credit was added, and when, so that each adds once. */
  grants: z.record(z.string(), timeSchema),
});
export type Balance = z.infer<typeof balanceSchema>;

/** A movement of money: what changes of the row, if what is asked of it holds. */
export interface Move {
  readonly amendment: Amendment;
  readonly tests: readonly RowTest[];
}

/** Sets credits aside for a job, once, if they are there and fewer than `mostOpen` jobs are open. */
export function reservation(job: string, credits: number, at: string, mostOpen: number): Move {
  const entry: LedgerEntry = { id: `${job}#reserve`, at, kind: "reserve", credits: -credits, job };
  return move(
    entry,
    { set: [[["open", job], { credits, at }]] },
    { path: ["open", job], is: "absent" },
    { path: ["available"], atLeast: credits },
    { path: ["open"], fewerThan: mostOpen },
  );
}

/** Ends a reservation of `reserved` credits, once: the cost of `usage` is kept, the rest returns. Without usage all of it does. */
export function settlement(
  job: string,
  reserved: number,
  usage: LedgerEntry["usage"] | undefined,
  at: string,
): Move {
  const kind = usage ? "settle" : "release";
  const credits = reserved - (usage?.credits ?? 0);
  const entry: LedgerEntry = { id: `${job}#${kind}`, at, kind, credits, job, ...(usage ? { usage } : {}) };
  return move(entry, { remove: [["open", job]] }, { path: ["open", job], is: "present" });
}

/** Adds credit, once for each reference (a payment's id, say). */
export function grant(reference: string, credits: number, at: string): Move {
  const entry: LedgerEntry = { id: `${reference}#grant`, at, kind: "grant", credits };
  return move(entry, { set: [[["grants", reference], at]] }, { path: ["grants", reference], is: "absent" });
}

function move(entry: LedgerEntry, { set = [], remove = [] }: Amendment, ...tests: RowTest[]): Move {
  return {
    amendment: {
      set: [...set, [["outbox", entry.id], entry]],
      add: [[["available"], entry.credits]],
      remove,
    },
    tests,
  };
}
