import { eraseUpload } from "../../shared/erasure/erase.ts";
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
import { isGone } from "../uploads.ts";
import { queueDelivery } from "../webhooks/delivery-queue.ts";
import { deleteLateObjects } from "./delete-late-objects.ts";
import { eraseClosedAccount } from "./erase-closed-account.ts";
import { fairShare } from "./fair-share.ts";
import { handleWithBackoff } from "./handle-with-backoff.ts";
import { repairJob } from "./repair-job.ts";
import { reportUsage } from "./report-usage.ts";

export interface SweepPorts extends BatchPorts {
  /** Queue of the function that sends webhooks. */
  readonly webhooks: JobQueue;
  readonly log: Log;
  /** Receives charges; undefined without billing. */
  readonly meter: Meter | undefined;
}

/** Maximum rows per kind and pass, and how many of the longest overdue rows they are chosen from. */
const [share, scanned] = [100, 2000];

/** Handlers of due rows by the prefix of their sort key. */
const handlers = {
  ins: (ports, row) => repairJob(ports, row.pk, idOf(row)),
  edt: (ports, row) => repairJob(ports, row.pk, idOf(row)),
  run: (ports, row) => repairJob(ports, idOf(row), row.pk.slice(row.pk.indexOf("#") + 1)),
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

/** Makes one pass over all kinds. Resolves with the number of handled rows. */
export async function sweep(ports: SweepPorts): Promise<number> {
  const counts = await Promise.all(dueKinds.map((kind) => sweepKind(ports, kind)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Handles the due rows of one kind, with a fair share for each account. Resolves with their number. */
export async function sweepKind(ports: SweepPorts, kind: DueKind): Promise<number> {
  const due = await ports.table.dueBy(kind, toIso(ports.clock.now()), scanned);
  const rows = fairShare(due, share);
  await Promise.all(rows.map((row) => handleRow(ports, row)));
  return rows.length;
}

/** Handles a due row; if it fails, it is retried later. */
export async function handleRow(ports: SweepPorts, row: DueRow): Promise<void> {
  const kind = dueKinds.find((known) => row.sk.startsWith(`${known}#`));
  if (kind) await handleWithBackoff(ports, row, () => handlers[kind](ports, row));
}

const idOf = ({ sk }: TableKey): string => sk.slice(sk.indexOf("#") + 1);

/** Deletes an upload that was never completed, or that has expired. */
async function dropUpload({ table, objects, clock }: SweepPorts, key: DueRow): Promise<void> {
  const row = await table.get(key);
  if (!row) return;
  const upload = parseRow(uploadSchema, row).data;
  if (isGone(upload, clock.now())) return eraseUpload({ table, objects }, row.pk, idOf(row));
  if (upload.status !== "pending") return;
  await objects.delete(objectKeys.upload(row.pk, idOf(row)));
  await table.delete(row, row.version);
}
