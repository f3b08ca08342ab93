import type { ConcludePorts } from "../../shared/jobs/conclude.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { JobQueue } from "../../shared/ports/job-queue.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { Meter } from "../../shared/ports/meter.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";
import type { DueRow, TableKey } from "../../shared/ports/table.ts";
import { uploadSchema } from "../../shared/resources/upload.ts";
import { parseRow } from "../../shared/rows.ts";
import { advanceBatch } from "../batches/advance-batch.ts";
import { queueDelivery } from "../webhooks/delivery-queue.ts";
import { mendJob } from "./mend-job.ts";
import { reportUsage } from "./report-usage.ts";

export interface SweepPorts extends ConcludePorts {
  readonly objects: ObjectStore;
  /** Pointers to deliveries, for the function that sends webhooks. */
  readonly webhooks: JobQueue;
  readonly log: Log;
  /** Where charges are told; undefined where nobody is billed. */
  readonly meter: Meter | undefined;
}

const batch = 100;

/** What to do with a due row, by the first letters of its sort key. */
const menders: Readonly<Record<string, (ports: SweepPorts, row: DueRow) => Promise<void>>> = {
  ins: (ports, row) => mendJob(ports, row.pk, idOf(row)),
  edt: (ports, row) => mendJob(ports, row.pk, idOf(row)),
  dlv: (ports, row) => queueDelivery(ports, row.pk, idOf(row)),
  mtr: async (ports, row) => {
    const charge = await ports.table.get(row);
    if (charge) await reportUsage(ports, charge);
  },
  bat: (ports, row) => advanceBatch(ports, row.pk, idOf(row)),
  upl: dropUpload,
};

/** Looks at every row whose time has come. Resolves with how many there were. One row's failure keeps no other waiting. */
export async function sweep(ports: SweepPorts): Promise<number> {
  const now = toIso(ports.clock.now());
  const found = await Promise.all(Object.keys(menders).map((kind) => ports.table.dueBy(kind, now, batch)));
  const rows = found.flat();
  await Promise.all(rows.map((row) => mendRow(ports, row)));
  return rows.length;
}

/** Does what a due row asks for. A failure is logged: the row stays due, and the next look finds it. */
export async function mendRow(ports: SweepPorts, row: DueRow): Promise<void> {
  try {
    await menders[row.sk.slice(0, 3)]?.(ports, row);
  } catch (error) {
    ports.log.error("a due row could not be mended", { row: `${row.pk} ${row.sk}`, error });
  }
}

const idOf = ({ sk }: TableKey): string => sk.slice(sk.indexOf("#") + 1);

/** A file that nobody completed is taken away. */
async function dropUpload({ table, objects }: SweepPorts, key: DueRow): Promise<void> {
  const row = await table.get(key);
  if (!row || parseRow(uploadSchema, row).data.status === "ready") return;
  await objects.delete(objectKeys.upload(row.pk, idOf(row)));
  await table.delete(row, row.version);
}
