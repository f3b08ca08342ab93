import { Cron } from "croner";
import { VisibleError } from "../../shared/errors.ts";
import type { Schedule } from "../../shared/resources/batch.ts";

/** Minimum minutes between two runs. */
const minMinutes = 5;
/** Milliseconds. Two days contain every gap between the times of a day, including the gap over midnight. */
const twoDays = 2 * 24 * 3_600_000;

/**
 * A schedule's next run after a time (milliseconds since 1970), with daylight saving time; undefined when
 * there is none.
 *
 * @throws VisibleError `invalid_request` for an invalid cron expression or time zone
 */
export function nextRun({ at, cron, time_zone }: Schedule, after: number): number | undefined {
  if (at !== undefined) return Date.parse(at) > after ? Date.parse(at) : undefined;
  return readCron(cron ?? "", time_zone)
    .nextRun(new Date(after))
    ?.getTime();
}

/**
 * Checks the gaps between all runs of a schedule's cycle, not only the first two.
 *
 * @throws VisibleError `invalid_request` for a schedule that is invalid or runs too often
 */
export function requireMinimumGap({ cron, time_zone }: Schedule): void {
  if (cron === undefined) return;
  readCron(cron, time_zone);
  const [minutes = "*", hours = "*"] = cron.trim().split(/\s+/);
  // With every day in place of the given days, the times of day are the same and the gap over midnight is
  // included.
  const everyDay = readCron(`${minutes} ${hours} * * *`, undefined);
  for (let last = everyDay.nextRun(new Date(0)); last && last.getTime() < twoDays; ) {
    const next = everyDay.nextRun(last);
    const gap = next ? (next.getTime() - last.getTime()) / 60_000 : minMinutes;
    if (gap < minMinutes)
      throw new VisibleError(
        "invalid_request",
        `The schedule "${cron}" has runs ${gap} min apart; leave at least ${minMinutes} min between runs.`,
      );
    last = next;
  }
}

function readCron(cron: string, timezone = "UTC"): Cron {
  try {
    const schedule = new Cron(cron, { timezone, mode: "5-part", paused: true });
    // croner validates the time zone only when it computes a date.
    schedule.nextRun(new Date(0));
    return schedule;
  } catch (cause) {
    throw new VisibleError(
      "invalid_request",
      `The schedule "${cron}" in ${timezone} is invalid; use five cron fields and an IANA time zone.`,
      { cause },
    );
  }
}
