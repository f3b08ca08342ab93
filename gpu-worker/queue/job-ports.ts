import type { RunStore } from "../../shared/jobs/run-store.ts";
import type { Clock, RandomBytes } from "../../shared/ports/clock.ts";
import type { JobQueue } from "../../shared/ports/job-queue.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { Table } from "../../shared/ports/table.ts";

export interface RunJobPorts {
  readonly runs: RunStore;
  /** Stores the events of jobs. */
  readonly table: Table;
  /** Queue of the function that settles ended jobs. */
  readonly settlements: JobQueue;
  readonly clock: Clock;
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
