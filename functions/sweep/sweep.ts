import { objectKeys } from "../../shared/object-keys.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { JobQueue } from "../../shared/ports/job-queue.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { Meter } from "../../shared/ports/meter.ts";
import type { DueRow, TableKey } from "../../shared/ports/table.ts";
import { uploadSchema } from "../../shared/resources/upload.ts";
import { parseRow } from "../../shared/rows.ts";
import { advanceBatch } from "../batches/advance-batch.ts";
import type { BatchPorts } from "../batches/batch-ports.ts";
import { queueDelivery } from "../webhooks/delivery-queue.ts";
import { deleteLateObjects } from "./delete-late-objects.ts";
import { eraseClosedAccount } from "./erase-closed-account.ts";
import { fairShare } from "./fair-share.ts";
import { mendJob } from "./mend-job.ts";
import { mendRow } from "./mend-row.ts";
import { reportUsage } from "./report-usage.ts";

export interface SweepPorts extends BatchPorts {
  /** Pointers to deliveries, for the function that sends webhooks. */
  readonly webhooks: JobQueue;
  readonly log: Log;
  /** Where charges are told; undefined where nobody is billed. */
  readonly meter: Meter | undefined;
}

/** Rows of a kind that one look handles, and the longest overdue among which the accounts take turns. */
const [share, scanned] = [100, 2000];

/** What to do with a due row, by the first letters of its sort key. */
const handlers = {
  ins: (ports, row) => mendJob(ports, row.pk, idOf(row)),
  edt: (ports, row) => mendJob(ports, row.pk, idOf(row)),
  dlv: (ports, row) => queueDelivery(ports, row.pk, idOf(row)),
  mtr: async (ports, row) => {
    const charge = await ports.table.get(row);
    if (charge) await reportUsage(ports, charge);
  },
  bat: (ports, row) => advanceBatch(ports, row.pk, idOf(row)),
  upl: dropUpload,
  del: deleteLateObjects,
  era: eraseClosedAccount,
} as const satisfies Readonly<Record<string, (ports: SweepPorts, row: DueRow) => Promise<void>>>;
export type DueKind = keyof typeof handlers;
export const dueKinds = Object.keys(handlers) as readonly DueKind[];

/** Looks once at every kind. Resolves with how many rows were due. */
export async function sweep(ports: SweepPorts): Promise<number> {
  const counts = await Promise.all(dueKinds.map((kind) => sweepKind(ports, kind)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Handles rows of one kind whose time has come, a fair share of each account. Resolves with how many there were. */
export async function sweepKind(ports: SweepPorts, kind: DueKind): Promise<number> {
  const due = await ports.table.dueBy(kind, toIso(ports.clock.now()), scanned);
  const rows = fairShare(due, share);
  await Promise.all(rows.map((row) => handleRow(ports, row)));
  return rows.length;
}

/** Does what a due row asks for; one that fails is put off. */
export async function handleRow(ports: SweepPorts, row: DueRow): Promise<void> {
  const kind = dueKinds.find((known) => row.sk.startsWith(`${known}#`));
  if (kind) await mendRow(ports, row, () => handlers[kind](ports, row));
}

const idOf = ({ sk }: TableKey): string => sk.slice(sk.indexOf("#") + 1);

/** A file that nobody completed is taken away. */
async function dropUpload({ table, objects }: SweepPorts, key: DueRow): Promise<void> {
  const row = await table.get(key);
  if (!row || parseRow(uploadSchema, row).data.status === "ready") return;
  await objects.delete(objectKeys.upload(row.pk, idOf(row)));
  await table.delete(row, row.version);
}
