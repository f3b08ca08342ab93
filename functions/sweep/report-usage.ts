import { meterRowSchema } from "../../shared/ledger/meter-row.ts";
import { type Clock, toIso } from "../../shared/ports/clock.ts";
import type { Meter } from "../../shared/ports/meter.ts";
import type { Table, TableRow } from "../../shared/ports/table.ts";
import { parseRow } from "../../shared/rows.ts";

/** Milliseconds until the next attempt, by number of attempts. The last value repeats. */
const waits = [10_000, 60_000, 600_000, 3_600_000] as const;

/**
 * Reports one charge to the meter, then deletes its row. A repeated report counts once, so a crash in between
 * is harmless.
 */
export async function reportUsage(
  {
    table,
    clock,
    meter,
  }: { readonly table: Table; readonly clock: Clock; readonly meter: Meter | undefined },
  row: TableRow,
): Promise<void> {
  const { data, version } = parseRow(meterRowSchema, row);
  const { pk, sk } = row;
  try {
    if (!meter) throw new Error("an account has a billing customer, but no meter is configured");
    await meter.report({
      identifier: data.job,
      customer: data.customer,
      credits: data.credits,
      at: Math.floor(Date.parse(data.at) / 1000),
    });
    await table.delete({ pk, sk });
  } catch (error) {
    const wait = waits[Math.min(data.attempts, waits.length - 1)] ?? 0;
    const due = toIso(clock.now() + wait);
    await table.replace({ pk, sk, data: { ...data, attempts: data.attempts + 1 }, due }, version);
    throw error;
  }
}
