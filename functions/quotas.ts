import { rowKeys } from "../shared/rows.ts";
import type { DailyQuotas, Edge } from "./edge.ts";
import { refuse } from "./problem-answers.ts";

/** The unit that a refusal names. */
const units = { uploadBytes: "bytes of uploads", imports: "imports" } as const satisfies Record<
  keyof DailyQuotas,
  string
>;

/** Seconds; a day's count is of no use after it. */
const kept = 2 * 24 * 3600;

/** Counts what an account is about to use. @throws VisibleError `quota_exceeded`; then nothing is counted */
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
    `The account has used ${used - amount} of its ${limit} ${units[quota]} of ${day} and asks for ${amount} more; go on after 00:00 UTC.`,
  );
}
