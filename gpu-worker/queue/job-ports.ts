import type { ConcludePorts } from "../../shared/jobs/conclude.ts";
import type { RandomBytes } from "../../shared/ports/clock.ts";
import type { Log } from "../../shared/ports/log.ts";

export interface RunJobPorts extends ConcludePorts {
  readonly random: RandomBytes;
  readonly log: Log;
}

/** Abort reason: the job was canceled or its deadline has passed. */
export class JobCanceled extends Error {
  override readonly name = "JobCanceled";
}
/** Abort reason: another worker holds the job. */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}
