import { z } from "zod";
import { toIso } from "../ports/clock.ts";
import type { NewRow, Write } from "../ports/table.ts";
import { rowKeys } from "../rows.ts";
import type { Spender } from "../spender.ts";

/** Spending of a key with a limit in a month. */
export const spendingSchema = z.object({
  /** Reserved plus charged credits. */
  used: z.number().int(),
  charged: z.number().int(),
});
export type Spending = z.infer<typeof spendingSchema>;

/** Seconds after which a month's row is deleted. */
const kept = 400 * 24 * 3600;

/** Returns the key as a spender, or undefined if it has no limit. @param now milliseconds since 1970 */
export const spenderOf = (
  { id, monthly_limit: limit }: { readonly id: string; readonly monthly_limit?: number | undefined },
  now: number,
): Spender | undefined =>
  limit === undefined ? undefined : { key: id, month: toIso(now).slice(0, 7), limit };

/** The same key in the month of `now`, in milliseconds since 1970. */
export const spenderIn = ({ key, limit }: Spender, now: number): Spender => ({
  key,
  month: toIso(now).slice(0, 7),
  limit,
});

export const spendingKey = (account: string, { key, month }: Omit<Spender, "limit">) =>
  rowKeys.spending(account, `${key}#${month}`);

/** Creates the row of a month without spending. @param now milliseconds since 1970 */
export const newSpending = (account: string, spender: Spender, now: number): NewRow => {
  const data: Spending = { used: 0, charged: 0 };
  return { ...spendingKey(account, spender), data, expires: Math.floor(now / 1000) + kept };
};

/** Counts a reservation, if it is within the limit. */
export const spend = (account: string, spender: Spender, credits: number): Write => ({
  amend: spendingKey(account, spender),
  amendment: { add: [[["used"], credits]] },
  tests: [{ path: ["used"], below: spender.limit - credits + 1 }],
});

/** Replaces a reservation with its charge. */
export const settleSpending = (
  account: string,
  spender: Spender,
  reserved: number,
  charge: number,
): Write => ({
  amend: spendingKey(account, spender),
  amendment: {
    add: [
      [["used"], charge - reserved],
      [["charged"], charge],
    ],
  },
  tests: [],
});
