import { Cron } from "croner";
import { VisibleError } from "../../shared/errors.ts";
import type { Schedule } from "../../shared/resources/batch.ts";

/** At least so much between two runs. */
const leastMinutes = 5;

/**
 * When a schedule runs next after a time (milliseconds since 1970), daylight saving included; undefined when never again.
 *
 * @throws VisibleError `invalid_request` for a cron or time zone that makes no sense, or runs too often
 */
export function nextRun({ at, cron, time_zone }: Schedule, after: number): number | undefined {
  if (at !== undefined) return Date.parse(at) > after ? Date.parse(at) : undefined;
  try {
    const schedule = new Cron(cron ?? "", { timezone: time_zone ?? "UTC", mode: "5-part", paused: true });
    const [first, second] = schedule.nextRuns(2, new Date(after));
    if (first && second && second.getTime() - first.getTime() < leastMinutes * 60_000)
      throw new VisibleError("invalid_request", `A schedule runs at most every ${leastMinutes} minutes.`);
    return first?.getTime();
  } catch (cause) {
    if (cause instanceof VisibleError) throw cause;
    throw new VisibleError(
      "invalid_request",
      `The schedule "${cron}" in ${time_zone ?? "UTC"} makes no sense.`,
      { cause },
    );
  }
}
