import { z } from "zod";
import { RetryableError } from "../../shared/errors.ts";
import { metrics } from "../../shared/metrics.ts";
import { type Clock, toIso } from "../../shared/ports/clock.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { DueRow, Table } from "../../shared/ports/table.ts";

/** Failures in a row after which a row is quarantined: it is tried once a day and raises an alarm. */
export const mostFailures = 10;
/** Milliseconds until a row that failed is tried again. Each further failure doubles the wait. */
const [firstWait, longestWait, quarantine] = [5000, 3_600_000, 24 * 3_600_000];
/** Milliseconds of the same for a service that is out of reach, which is not the row's fault. */
const outageWait = 30_000;
/** Milliseconds; failures longer ago than this are forgotten. */
const forgottenAfter = 2 * quarantine;

const failuresSchema = z.object({ count: z.number().int(), at: z.iso.datetime() });
/** Where in a row's data its failures are counted. Whoever replaces the data forgets them. */
const place = "mending_failures";

interface MendPorts {
  readonly table: Table;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Does what a due row asks for. A row that fails is put off, longer each time, and quarantined in the end, so that broken rows never
 * fill the sweeper's looks.
 */
export async function mendRow(ports: MendPorts, row: DueRow, mend: () => Promise<void>): Promise<void> {
  try {
    await mend();
  } catch (error) {
    const name = `${row.pk} ${row.sk}`;
    try {
      const count = await putOff(ports, row, error);
      const kind = row.sk.slice(0, 3);
      const alarm =
        count >= mostFailures
          ? metrics({ QuarantinedRows: [1, "Count"] }, { Kind: kind }, ports.clock.now())
          : {};
      ports.log.error("a due row could not be mended", { row: name, failures: count, error, ...alarm });
    } catch (cause) {
      ports.log.error("a due row could neither be mended nor put off", { row: name, error, cause });
    }
  }
}

/** Resolves with the failures in a row; 0 when the failure is not the row's. */
async function putOff({ table, clock }: MendPorts, key: DueRow, error: unknown): Promise<number> {
  const now = clock.now();
  if (error instanceof RetryableError) {
    await table.amend(key, { due: toIso(now + outageWait) }, []);
    return 0;
  }
  const row = await table.get(key);
  const known = failuresSchema.safeParse(row?.data[place]).data;
  const before = known && Date.parse(known.at) + forgottenAfter > now ? known.count : 0;
  const count = before + 1;
  const wait = count >= mostFailures ? quarantine : Math.min(longestWait, firstWait * 2 ** (count - 1));
  const failures = { count, at: toIso(now) };
  await table.amend(key, { set: [[[place], failures]], due: toIso(now + wait) }, []);
  return count;
}
