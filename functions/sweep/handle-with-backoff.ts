import { z } from "zod";
import { RetryableError } from "../../shared/errors.ts";
import { metrics } from "../../shared/metrics.ts";
import { type Clock, toIso } from "../../shared/ports/clock.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { DueRow, Table } from "../../shared/ports/table.ts";

/**
 * Consecutive failures after which a row is quarantined: it is retried once a day, and an alarm is raised.
 */
export const maxFailures = 10;
/** Backoff in milliseconds; it doubles with each failure. */
const [firstWait, longestWait, quarantine] = [5000, 3_600_000, 24 * 3_600_000];
/** Backoff in milliseconds when a service is unreachable, which does not count as a failure of the row. */
const outageWait = 30_000;
/** Milliseconds after which earlier failures no longer count. */
const forgottenAfter = 2 * quarantine;

const failuresSchema = z.object({ count: z.number().int(), at: z.iso.datetime() });
/** Field of the row's data that counts its failures. Replacing the data resets the count. */
const failuresField = "sweep_failures";

interface DueRowPorts {
  readonly table: Table;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Handles a due row. A row that fails is retried with backoff and finally quarantined, so that broken rows do
 * not use up the sweeper's passes.
 */
export async function handleWithBackoff(
  ports: DueRowPorts,
  row: DueRow,
  handle: () => Promise<void>,
): Promise<void> {
  try {
    await handle();
  } catch (error) {
    const name = `${row.pk} ${row.sk}`;
    try {
      const count = await postpone(ports, row, error);
      const kind = row.sk.slice(0, 3);
      const alarm =
        count >= maxFailures
          ? metrics({ QuarantinedRows: [1, "Count"] }, { Kind: kind }, ports.clock.now())
          : {};
      ports.log.error("a due row could not be handled", { row: name, failures: count, error, ...alarm });
    } catch (cause) {
      ports.log.error("a due row could be neither handled nor postponed", { row: name, error, cause });
    }
  }
}

/** Resolves with the number of consecutive failures; 0 if a service was unreachable. */
async function postpone({ table, clock }: DueRowPorts, key: DueRow, error: unknown): Promise<number> {
  const now = clock.now();
  if (error instanceof RetryableError) {
    await table.amend(key, { due: toIso(now + outageWait) }, []);
    return 0;
  }
  const row = await table.get(key);
  const known = failuresSchema.safeParse(row?.data[failuresField]).data;
  const before = known && Date.parse(known.at) + forgottenAfter > now ? known.count : 0;
  const count = before + 1;
  const wait = count >= maxFailures ? quarantine : Math.min(longestWait, firstWait * 2 ** (count - 1));
  const failures = { count, at: toIso(now) };
  await table.amend(key, { set: [[[failuresField], failures]], due: toIso(now + wait) }, []);
  return count;
}
