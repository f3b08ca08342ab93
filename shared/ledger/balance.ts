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

/** Jobs whose number is limited together: a batch must not use up what the account may do interactively. */
export const jobClasses = ["interactive", "bulk"] as const;
export type JobClass = (typeof jobClasses)[number];

/**
 * An account's money, in one row so that one conditional write moves it: what is open says whether a job was settled yet,
 * and entries wait in `outbox`, by their ids, until they stand in the ledger.
 */
export const balanceSchema = z.object({
  account: z.string(),
  available: z.number().int(),
  open: z.record(
    z.string(),
    z.object({ credits: z.number().int(), at: timeSchema, class: z.enum(jobClasses) }),
  ),
  /** Entries of `open` by their class. */
  counts: z.record(z.enum(jobClasses), z.number().int()),
  outbox: z.record(z.string(), ledgerEntrySchema),
  /** The references by which credit was added, and when, so that each adds once. */
  grants: z.record(z.string(), timeSchema),
});
export type Balance = z.infer<typeof balanceSchema>;

/** How many jobs of a class an account may have open. */
export interface OpenLimit {
  readonly class: JobClass;
  readonly most: number;
}

/** A movement of money: what changes of the row, if what is asked of it holds. */
export interface Move {
  readonly amendment: Amendment;
  readonly tests: readonly RowTest[];
}

/** Reserves credits for a job, once, if the balance covers them and fewer than `most` jobs of its class are open. */
export function reservation(
  job: string,
  credits: number,
  at: string,
  { class: jobClass, most }: OpenLimit,
): Move {
  const entry: LedgerEntry = { id: `${job}#reserve`, at, kind: "reserve", credits: -credits, job };
  return move(
    entry,
    { set: [[["open", job], { credits, at, class: jobClass }]], add: [[["counts", jobClass], 1]] },
    { path: ["open", job], is: "absent" },
    { path: ["available"], atLeast: credits },
    { path: ["counts", jobClass], below: most },
  );
}

/** Ends a reservation, once: charges the cost of `usage` and returns the rest; returns all of it without usage. */
export function settlement(
  job: string,
  reserved: Balance["open"][string],
  usage: LedgerEntry["usage"] | undefined,
  at: string,
): Move {
  const kind = usage ? "settle" : "release";
  const credits = reserved.credits - (usage?.credits ?? 0);
  const entry: LedgerEntry = { id: `${job}#${kind}`, at, kind, credits, job, ...(usage ? { usage } : {}) };
  const change = { remove: [["open", job]], add: [[["counts", reserved.class], -1] as const] };
  return move(entry, change, { path: ["open", job], is: "present" });
}

/** Adds credit, once for each reference (a payment's id, say). */
export function grant(reference: string, credits: number, at: string): Move {
  const entry: LedgerEntry = { id: `${reference}#grant`, at, kind: "grant", credits };
  return move(entry, { set: [[["grants", reference], at]] }, { path: ["grants", reference], is: "absent" });
}

function move(entry: LedgerEntry, { set = [], add = [], remove = [] }: Amendment, ...tests: RowTest[]): Move {
  return {
    amendment: {
      set: [...set, [["outbox", entry.id], entry]],
      add: [...add, [["available"], entry.credits]],
      remove,
    },
    tests,
  };
}
