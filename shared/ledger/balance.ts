import { z } from "zod";
import type { NewRow, Write } from "../ports/table.ts";
import { timeSchema, usageSchema } from "../resources/fields.ts";
import { rowKeys } from "../rows.ts";

/** Jobs whose number is limited together: a batch must not use up what the account may do interactively. */
export const jobClasses = ["interactive", "bulk"] as const;
export type JobClass = (typeof jobClasses)[number];

/**
 * An account's money: four numbers, whatever number of jobs is open, so that a write of the row costs one unit. `available` and
 * `reserved` sum to the credits of all ledger entries.
 */
export const balanceSchema = z.object({
  account: z.string(),
  available: z.number().int(),
  reserved: z.number().int().nonnegative(),
  /** Jobs with a reservation, by class. */
  open: z.record(z.enum(jobClasses), z.number().int().nonnegative()),
});
export type Balance = z.infer<typeof balanceSchema>;

/** A credit that was granted, or a charge, whose `credits` are negative. */
export const ledgerEntrySchema = z.object({
  at: timeSchema,
  kind: z.enum(["grant", "charge"]),
  credits: z.number().int(),
  /** The job that is charged, or the batch. */
  job: z.string().optional(),
  /** How many edits of the batch are charged. */
  jobs: z.number().int().optional(),
  usage: usageSchema.optional(),
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;

/** Credits that are set aside for jobs. */
export interface Reservation {
  readonly credits: number;
  readonly class: JobClass;
  /** How many jobs. */
  readonly jobs: number;
}

/** A job's reservation as a row of its own. A batch keeps that of its lines in its own row. */
export const storedReservationSchema = z.object({
  credits: z.number().int().nonnegative(),
  class: z.enum(jobClasses),
  at: timeSchema,
});

/** Moves credits from `available` to `reserved`, if they are there and fewer than `most` jobs of the class are open then. */
export const reserving = (
  account: string,
  { credits, class: jobClass, jobs }: Reservation,
  most: number,
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
    { path: ["open", jobClass], below: most - jobs + 1 },
  ],
});

/** Ends a reservation: takes `charge` of its credits and returns the rest. */
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

/** A charge as a row of the ledger, by its time. */
export const chargeRow = (account: string, charge: Omit<LedgerEntry, "kind">, name: string): NewRow => ({
  ...rowKeys.ledger(account, `${charge.at}#${name}`),
  data: { ...charge, kind: "charge" },
});
