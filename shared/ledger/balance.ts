import { z } from "zod";
import type { NewRow, Write } from "../ports/table.ts";
import { timeSchema, usageSchema } from "../resources/fields.ts";
import { rowKeys } from "../rows.ts";
import { spenderSchema } from "../spender.ts";

/** Job classes with separate limits, so that a batch does not use up the interactive limit. */
const jobClasses = ["interactive", "bulk"] as const;
export type JobClass = (typeof jobClasses)[number];

/**
 * An account's balance: four numbers, so that each write costs one unit. `available` plus `reserved` equals
 * the sum of all ledger entries.
 */
export const balanceSchema = z.object({
  account: z.string(),
  available: z.number().int(),
  reserved: z.number().int().nonnegative(),
  /** Number of jobs with a reservation, by class. */
  open: z.record(z.enum(jobClasses), z.number().int().nonnegative()),
});
export type Balance = z.infer<typeof balanceSchema>;

/** A grant, or a charge with negative `credits`. */
export const ledgerEntrySchema = z.object({
  at: timeSchema,
  kind: z.enum(["grant", "charge"]),
  credits: z.number().int(),
  /** The job that is charged, or the batch. */
  job: z.string().optional(),
  /** Number of charged edits of the batch. */
  jobs: z.number().int().optional(),
  usage: usageSchema.optional(),
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;

/** Credits reserved for jobs. */
interface Reservation {
  readonly credits: number;
  readonly class: JobClass;
  /** Number of jobs. */
  readonly jobs: number;
}

/** A job's reservation. A batch stores its lines' reservation in its own row. */
export const storedReservationSchema = z.object({
  credits: z.number().int().nonnegative(),
  class: z.enum(jobClasses),
  at: timeSchema,
  /** Present if the job counts towards a key's limit. */
  spender: spenderSchema.optional(),
});

/**
 * Moves credits from `available` to `reserved`, if the balance covers them and at most `max` jobs of the
 * class are open.
 */
export const reserving = (
  account: string,
  { credits, class: jobClass, jobs }: Reservation,
  max: number,
): Write => ({
  amend: rowKeys.balance(account),
  amendment: {
    add: [
      [["available"], -credits],
      [["reserved"], credits],
      [["open", jobClass], jobs],
    ],
  },
  tests: [
    { path: ["available"], atLeast: credits },
    { path: ["open", jobClass], below: max - jobs + 1 },
  ],
});

/** Ends a reservation: charges `charge` credits and releases the rest. */
export const releasing = (
  account: string,
  { credits, class: jobClass, jobs }: Reservation,
  charge: number,
): Write => ({
  amend: rowKeys.balance(account),
  amendment: {
    add: [
      [["available"], credits - charge],
      [["reserved"], -credits],
      [["open", jobClass], -jobs],
    ],
  },
  tests: [{ path: ["reserved"], atLeast: credits }],
});

/** The ledger row of a charge, sorted by time. */
export const chargeRow = (account: string, charge: Omit<LedgerEntry, "kind">, name: string): NewRow => ({
  ...rowKeys.ledger(account, `${charge.at}#${name}`),
  data: { ...charge, kind: "charge" },
});
