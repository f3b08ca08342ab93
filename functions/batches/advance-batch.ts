import { batchPace } from "../../shared/batch-pace.ts";
import { VisibleError } from "../../shared/errors.ts";
import { mapConcurrently } from "../../shared/map-concurrently.ts";
import { type StoredBatch, storedBatchSchema } from "../../shared/resources/batch.ts";
import { parseRow, rowKeys, type Stored } from "../../shared/rows.ts";
import { settle } from "../settlement/settle.ts";
import { storeInput } from "./batch-input.ts";
import { writeOutput } from "./batch-output.ts";
import type { BatchPorts } from "./batch-ports.ts";
import { chargeLines, countLines } from "./count-lines.ts";
import { announceBatch, endBatch } from "./end-batch.ts";
import { eraseBatch } from "./erase-batch.ts";
import { endLine, lineJobId } from "./line-rows.ts";
import { openLines } from "./open-lines.ts";
import { runSchedule } from "./run-schedule.ts";
import { saveBatch } from "./save-batch.ts";
import { submitLines } from "./submit-lines.ts";

const { interval } = batchPace;
/** Minimum lines per charge, except for the last charge of a batch. */
const linesPerCharge = 100;
/** Milliseconds for which a pass locks its batch. If the pass crashes, another one takes over after that. */
const passLock = 60_000;
/** Lines that are canceled concurrently. */
const cancelsAtOnce = 16;

/**
 * Advances a batch by one pass, which reads and writes a bounded number of lines. Every step is idempotent:
 * lines have fixed IDs, and counts, credits and positions change in one conditional write.
 */
export async function advanceBatch(ports: BatchPorts, account: string, id: string): Promise<void> {
  const row = await ports.table.get(rowKeys.resource(account, id));
  if (!row) return;
  const stored = parseRow(storedBatchSchema, row);
  if (stored.data.erased !== undefined) return eraseBatch(ports, stored);
  switch (stored.data.status) {
    case "scheduled":
      return runSchedule(ports, stored);
    case "queued":
      return begin(ports, stored);
    case "running":
      return proceed(ports, stored);
    case "paused":
      return;
    default:
      return announceBatch(ports, stored);
  }
}

async function begin(ports: BatchPorts, { data, version: before }: Stored<StoredBatch>): Promise<void> {
  const now = ports.clock.now();
  // Only one pass may store the lines: a second one could list other objects.
  const mine = await saveBatch(ports.table, data, before, now + passLock);
  if (mine === "conflict") return;
  const { data: batch, version } = mine;
  try {
    const total = await storeInput(ports, batch);
    if (!total)
      throw new VisibleError("empty_batch", "The batch has no images; check the manifest or the prefix.");
    // The images are stored as lines; in the row they would enlarge every write.
    const { images: _, ...request } = batch.request;
    const counts = { total, succeeded: 0, failed: 0, canceled: 0 };
    await saveBatch(ports.table, { ...batch, request, status: "running", counts }, version, now);
  } catch (error) {
    if (!(error instanceof VisibleError)) throw error;
    const { code, message } = error;
    await endBatch(ports, { data: { ...batch, error: { code, message } }, version }, "failed");
  }
}

async function proceed(ports: BatchPorts, stored: Stored<StoredBatch>): Promise<void> {
  const { table, clock } = ports;
  const counted = await countLines(ports, stored.data);
  const isCanceled = counted.cancel_requested;
  const last = isCanceled ? counted.next_line : counted.counts.total;
  const batch = await writeOutput(ports, counted, last);
  const isDone = batch.settled >= last;
  let now: Stored<StoredBatch> | "conflict" = { data: batch, version: stored.version };
  if (batch.uncharged && (isDone || batch.uncharged.jobs >= linesPerCharge))
    now = await chargeLines(ports, now, clock.now() + interval);
  // Another process changed the batch. The next pass continues from that change.
  if (now === "conflict") return;
  if (isDone && batch.written >= last) return endBatch(ports, now, isCanceled ? "canceled" : "succeeded");
  if (isDone) return void (await saveBatch(table, now.data, now.version, clock.now()));
  if (isCanceled) await cancelLines(ports, now.data);
  else if (now.data.submitted === now.data.next_line) {
    const opened = await openLines(ports, now, clock.now() + passLock);
    if (opened === "conflict") return;
    if (opened !== "later") now = opened;
    else if (now.data.uncharged) now = await chargeLines(ports, now, clock.now() + interval);
    if (now === "conflict") return;
  }
  if (!isCanceled && now.data.submitted < now.data.next_line) {
    await submitLines(ports, now.data);
    now = { ...now, data: { ...now.data, submitted: now.data.next_line, costs: [], result_bytes: [] } };
  }
  await saveBatch(table, now.data, now.version, clock.now() + interval);
}

/** Cancels queued lines and lines that are not submitted yet. Running lines finish and are counted. */
async function cancelLines(ports: BatchPorts, batch: StoredBatch): Promise<void> {
  const { id, account, settled, submitted, next_line, costs, result_bytes } = batch;
  const lines = Array.from({ length: next_line - settled }, (_, index) => settled + index);
  const rows = await ports.table.getAll(lines.map((line) => rowKeys.batchLine(id, line)));
  const open = lines.filter((_, index) => !rows[index]);
  await mapConcurrently(cancelsAtOnce, open, async (line) => {
    const { jobs } = ports;
    const job = lineJobId(id, line);
    const open = await jobs.load(account, job);
    if (!open) {
      const reserved = costs[line - submitted] ?? 0;
      const bytes = -(result_bytes[line - submitted] ?? 0);
      return endLine(ports, batch, { line, reserved, bytes, status: "canceled" });
    }
    const { run } = open;
    // The next pass cancels it.
    if (run === undefined && !open.job.concluded) return jobs.restore(open);
    if (run !== undefined && run !== "damaged") {
      if (run.status === "running") return;
      await jobs.runs.end(run, { status: "canceled" }, { attempt: run.attempt });
    }
    await settle(ports, account, job);
  });
}
