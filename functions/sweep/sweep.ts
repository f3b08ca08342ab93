import type { ConcludePorts } from "../../shared/jobs/conclude.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { Meter } from "../../shared/ports/meter.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";
import type { TableRow } from "../../shared/ports/table.ts";
import { isTerminal } from "../../shared/resources/fields.ts";
import { uploadSchema } from "../../shared/resources/upload.ts";
import { parseRow } from "../../shared/rows.ts";
import { advanceBatch } from "../batches/advance-batch.ts";
import { type DeliveryPorts, deliverWebhook } from "./deliver-webhook.ts";
import { mendJob } from "./mend-job.ts";
import { reportUsage } from "./report-usage.ts";

export interface SweepPorts extends ConcludePorts, DeliveryPorts {
  readonly objects: ObjectStore;
  readonly log: Log;
  /** Where charges are told; undefined where nobody is billed. */
  readonly meter: Meter | undefined;
}

/** Milliseconds for which a reservation may be without a job: the time between two writes of a request, generously. */
const orphanAge = 120_000;
const batch = 100;

/** What to do with a due row, by the first letters of its sort key. */
const menders: Readonly<Record<string, (ports: SweepPorts, row: TableRow) => Promise<void>>> = {
  ins: (ports, row) => mendJob(ports, row.pk, idOf(row)),
  edt: (ports, row) => mendJob(ports, row.pk, idOf(row)),
  dlv: (ports, row) => deliverWebhook(ports, row.pk, idOf(row)),
  mtr: reportUsage,
  bat: (ports, row) => advanceBatch(ports, row.pk, idOf(row)),
  upl: dropUpload,
  bal: mendBalance,
};

/** Looks at every row whose time has come. Resolves with how many there were. One row's failure keeps no other waiting. */
export async function sweep(ports: SweepPorts): Promise<number> {
  const rows = await ports.table.dueBy(toIso(ports.clock.now()), batch);
  await Promise.all(rows.map((row) => mendRow(ports, row)));
  return rows.length;
}

/** Does what a due row asks for. A failure is logged: the row stays due, and the next look finds it. */
export async function mendRow(ports: SweepPorts, row: TableRow): Promise<void> {
  try {
    await menders[row.sk.slice(0, 3)]?.(ports, row);
  } catch (error) {
    ports.log.error("a due row could not be mended", { row: `${row.pk} ${row.sk}`, error });
  }
}

const idOf = ({ sk }: TableRow): string => sk.slice(sk.indexOf("#") + 1);

/** A file that nobody completed is taken away. */
async function dropUpload({ table, objects }: SweepPorts, row: TableRow): Promise<void> {
  const { id, status } = parseRow(uploadSchema, row).data;
  if (status === "ready") return;
  await objects.delete(objectKeys.upload(row.pk, id));
  await table.delete(row, row.version);
}

/** Writes the ledger entries that a crash left waiting; releases what was reserved for jobs that never came to be. */
async function mendBalance({ ledger, jobs, clock }: SweepPorts, { pk: account }: TableRow): Promise<void> {
  await ledger.flush(account);
  const open = (await ledger.balance(account))?.open ?? {};
  for (const [id, { at }] of Object.entries(open)) {
    if (Date.parse(at) + orphanAge > clock.now()) continue;
    const job = await jobs.get(account, id);
    if (!job || (isTerminal(job.status) && job.concluded)) await ledger.settle(account, id, undefined);
  }
  await ledger.postpone(account);
}
