import { rowKeys } from "../shared/rows.ts";
import type { DailyQuotas, Edge } from "./edge.ts";
import { refuse } from "./problem-responses.ts";

/** Units of the quotas for error messages. */
const units = { uploadBytes: "bytes of uploads", imports: "imports" } as const satisfies Record<
  keyof DailyQuotas,
  string
>;

/** Lifetime of a day's counter, in seconds. */
const kept = 2 * 24 * 3600;

/** Adds to a quota's counter. @throws VisibleError `quota_exceeded`, without counting */
export async function useQuota(
  { table, clock, settings }: Edge,
  account: string,
  quota: keyof DailyQuotas,
  amount: number,
): Promise<void> {
  const day = new Date(clock.now()).toISOString().slice(0, 10);
  const key = rowKeys.quota(account, `${day} ${quota}`);
  const expires = Math.floor(clock.now() / 1000) + kept;
  const limit = settings.dailyQuotas[quota];
  const used = await table.add(key, amount, expires);
  if (used <= limit) return;
  await table.add(key, -amount, expires);
  throw refuse(
    "quota_exceeded",
    `${amount} more ${units[quota]} would exceed the quota of ${limit} for ${day}; ${used - amount} are used. Retry after 00:00 UTC.`,
  );
}
