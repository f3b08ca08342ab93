import { Cron } from "croner";
import { VisibleError } from "../../shared/errors.ts";
import type { Schedule } from "../../shared/resources/batch.ts";

/** At least so many minutes lie between two runs. */
const leastMinutes = 5;
/** Milliseconds; two days hold every gap between the times of one day, and that to the next day. */
const twoDays = 2 * 24 * 3_600_000;

/**
 * When a schedule runs next after a time (milliseconds since 1970), daylight saving included; undefined when never again.
 *
 * @throws VisibleError `invalid_request` for a cron or time zone that cannot be read
 */
export function nextRun({ at, cron, time_zone }: Schedule, after: number): number | undefined {
  if (at !== undefined) return Date.parse(at) > after ? Date.parse(at) : undefined;
  return readCron(cron ?? "", time_zone)
    .nextRun(new Date(after))
    ?.getTime();
}

/**
 * Checks a schedule once, when it is made, over its whole cycle: the first two runs say nothing about the rest.
 *
 * @throws VisibleError `invalid_request` for one that cannot be read or that runs too often
 */
export function requireRareRuns({ cron, time_zone }: Schedule): void {
  if (cron === undefined) return;
  readCron(cron, time_zone);
  const [minutes = "*", hours = "*"] = cron.trim().split(/\s+/);
  // Every day instead of the days given: their times of day are the same, and the gap over midnight is seen too.
  const everyDay = readCron(`${minutes} ${hours} * * *`, undefined);
  for (let last = everyDay.nextRun(new Date(0)); last && last.getTime() < twoDays; ) {
    const next = everyDay.nextRun(last);
    const gap = next ? (next.getTime() - last.getTime()) / 60_000 : leastMinutes;
    if (gap < leastMinutes)
      throw new VisibleError(
        "invalid_request",
        `The schedule "${cron}" runs twice within ${gap} min; leave at least ${leastMinutes} min between two runs.`,
      );
    last = next;
  }
}

function readCron(cron: string, timezone = "UTC"): Cron {
  try {
    const schedule = new Cron(cron, { timezone, mode: "5-part", paused: true });
    // An unknown time zone is noticed with the first date.
    schedule.nextRun(new Date(0));
    return schedule;
  } catch (cause) {
    throw new VisibleError(
      "invalid_request",
      `The schedule "${cron}" in ${timezone} cannot be read; give five cron fields and an IANA time zone.`,
      { cause },
    );
  }
}
