/** Runs the sweeper in its own process, with limited and measured memory like a Lambda function. */
import { type SweepPorts, sweep } from "../../../functions/sweep/sweep.ts";
import type { StandIns } from "../../../local/stand-ins.ts";
import { createAwsClients } from "../../../shared/aws/clients.ts";
import { S3ObjectStore } from "../../../shared/aws/s3-object-store.ts";
import { JobStore } from "../../../shared/jobs/job-store.ts";
import { Ledger } from "../../../shared/ledger/ledger.ts";
import { queueTiming } from "../../../shared/queue-timing.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { usedMilliseconds } from "../api/child.ts";
import { MemoryQueue } from "./memory-queue.ts";
import { remoteTable } from "./remote-table.ts";

interface Look {
  /** Milliseconds by which the clock is ahead of the system clock. */
  readonly ahead: number;
}
export interface Looked {
  readonly rows: number;
  /** Messages for the bulk queue. */
  readonly bulk: readonly string[];
  readonly errors: readonly string[];
  /** CPU time of this sweep in milliseconds. */
  readonly cpu: number;
  /** Peak memory of the process in MiB. */
  readonly peak: number;
}

const { aws, bucket } = JSON.parse(process.argv[2] ?? "") as Pick<StandIns, "aws" | "bucket">;
let ahead = 0;
const errors: string[] = [];
const clock = { ...systemClock, now: () => Date.now() + ahead };
const table = remoteTable();
const queue = new MemoryQueue();
const queues = { interactive: queue, learning: queue, bulk: queue };
const ports: SweepPorts = {
  table,
  clock,
  meter: undefined,
  objects: new S3ObjectStore(createAwsClients(aws).s3, bucket),
  jobs: new JobStore({ table, queues, clock, timing: queueTiming }),
  ledger: new Ledger(table, clock),
  webhooks: new MemoryQueue(),
  log: {
    info: () => undefined,
    error: (message, facts) => void errors.push(`${message}: ${facts?.error}`),
  },
};

process.on("message", async (message: Partial<Look>) => {
  if (message.ahead === undefined) return;
  ahead = message.ahead;
  const before = usedMilliseconds();
  const rows = await sweep(ports);
  const peak = process.resourceUsage().maxRSS / 1024;
  const looked: Looked = {
    rows,
    bulk: queue.drain(),
    errors: errors.splice(0),
    cpu: usedMilliseconds() - before,
    peak,
  };
  process.send?.({ looked });
});
process.once("disconnect", () => process.exit());
process.send?.({ ready: true });
