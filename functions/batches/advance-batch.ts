import { z } from "zod";
import { batchPace } from "../../shared/batch-pace.ts";
import { VisibleError } from "../../shared/errors.ts";
import { announceEnd, conclude } from "../../shared/jobs/conclude.ts";
import { storedResultSchema } from "../../shared/jobs/job.ts";
import { lifetimes, objectKeys } from "../../shared/object-keys.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { TableRow } from "../../shared/ports/table.ts";
import { type StoredBatch, storedBatchSchema } from "../../shared/resources/batch.ts";
import { jobErrorSchema, statusSchema } from "../../shared/resources/fields.ts";
import { parseRow, rowKeys, type Stored } from "../../shared/rows.ts";
import type { SweepPorts } from "../sweep/sweep.ts";
import { listLines, readLines, storeLines } from "./batch-lines.ts";
import { runSchedule } from "./run-schedule.ts";
import { lineJobId, submitLine } from "./submit-line.ts";

const { window, handful, interval } = batchPace;

const lineRowSchema = z.object({
  line: z.number().int(),
  job: z.string(),
  status: statusSchema,
  results: z.array(storedResultSchema),
  error: jobErrorSchema.optional(),
});
type LineRow = z.infer<typeof lineRowSchema>;

/** Takes a batch one step further. Every step may be repeated: lines have fixed ids, counts move in one conditional write. */
export async function advanceBatch(ports: SweepPorts, account: string, id: string): Promise<void> {
  const row = await ports.table.get(rowKeys.resource(account, id));
  if (!row) return;
  const stored = parseRow(storedBatchSchema, row);
  switch (stored.data.status) {
    case "scheduled":
      return runSchedule(ports, stored);
    case "queued":
      return begin(ports, stored);
    case "running":
      return proceed(ports, stored);
    default:
      return;
  }
}

async function begin(ports: SweepPorts, { data: batch, version }: Stored<StoredBatch>): Promise<void> {
  try {
    const lines = await listLines(ports.objects, batch);
    if (!lines.length)
      throw new VisibleError("empty_batch", "There is no picture in it; check the manifest or prefix.");
    await storeLines(ports.objects, batch, lines);
    const counts = { total: lines.length, succeeded: 0, failed: 0, canceled: 0 };
    await write(ports, { ...batch, status: "running", counts }, version, ports.clock.now());
  } catch (error) {
    if (!(error instanceof VisibleError)) throw error;
    await finish(ports, { ...batch, error: { code: error.code, message: error.message } }, "failed", version);
  }
}

async function proceed(ports: SweepPorts, { data: batch, version }: Stored<StoredBatch>): Promise<void> {
  const counted = await countSettled(ports, batch);
  const { total } = counted.counts;
  const last = counted.cancel_requested ? counted.next_line : total;
  if (counted.settled >= last)
    return finish(ports, counted, counted.cancel_requested ? "canceled" : "succeeded", version);
  if (counted.cancel_requested) {
    await cancelLines(ports, counted);
    await write(ports, counted, version, ports.clock.now() + interval);
    return;
  }
  const allowed = Math.min(total, counted.settled + window, counted.submitted + handful);
  const until = Math.max(counted.next_line, allowed);
  const opened = { ...counted, next_line: until };
  const now = await write(ports, opened, version, ports.clock.now() + interval);
  // Handed in before in full, or somebody changed the batch meanwhile: then the next look goes on from there.
  if (now === "conflict" || opened.submitted === until) return;
  const lines = await readLines(ports.objects, batch);
  let submitted = opened.submitted;
  while (submitted < until && (await submitLine(ports, batch, submitted, lines[submitted] ?? {})) !== "later")
    submitted++;
  await write(ports, { ...opened, submitted }, now.version, ports.clock.now() + interval);
}

/** Counts the lines that are done from where the count stands, as far as there is no gap. */
async function countSettled({ table }: SweepPorts, batch: StoredBatch): Promise<StoredBatch> {
  const counts = { ...batch.counts };
  let settled = batch.settled;
  const { pk } = rowKeys.batchLine(batch.id, 0);
  const after = settled > 0 ? { after: rowKeys.batchLine(batch.id, settled - 1).sk } : {};
  for (const row of await table.query(pk, { limit: window * 2, ...after })) {
    const { line, status } = parseRow(lineRowSchema, row).data;
    if (line !== settled) break;
    settled++;
    if (status === "succeeded" || status === "failed" || status === "canceled") counts[status]++;
  }
  return { ...batch, counts, settled };
}

/** Waiting lines are canceled at once, those not handed in as well; a running one ends by itself and counts. */
async function cancelLines(
  ports: SweepPorts,
  { id, account, settled, next_line }: StoredBatch,
): Promise<void> {
  for (let line = settled; line < next_line; line++) {
    const jobId = lineJobId(id, line);
    const job = await ports.jobs.get(account, jobId);
    if (job && job.status !== "queued") continue;
    const ended = job && (await ports.jobs.end(job, { status: "canceled" }, job.attempt));
    if (ended) await conclude(ports, ended);
    else if (!job)
      await ports.table.insert({
        ...rowKeys.batchLine(id, line),
        data: { line, job: jobId, status: "canceled", results: [] },
      });
  }
}

async function finish(
  ports: SweepPorts,
  batch: StoredBatch,
  status: "succeeded" | "failed" | "canceled",
  version: number,
): Promise<void> {
  const { account, id, counts, request } = batch;
  if (status !== "failed") await writeFiles(ports, batch);
  await announceEnd(ports, account, id, `batch.${status}`, request.webhook, {
    ...{ id, status, counts },
    ...(batch.error ? { error: batch.error } : {}),
    ...(request.metadata ? { metadata: request.metadata } : {}),
  });
  await write(ports, { ...batch, status, finished_at: toIso(ports.clock.now()) }, version);
}

/** The output and error files, as lines of JSON. */
async function writeFiles({ table, objects }: SweepPorts, batch: StoredBatch): Promise<void> {
  const { account, id } = batch;
  const sources = await readLines(objects, batch);
  const { pk } = rowKeys.batchLine(id, 0);
  const output: string[] = [];
  const errors: string[] = [];
  for (let after: string | undefined; ; ) {
    const rows = await table.query(pk, { limit: 500, ...(after === undefined ? {} : { after }) });
    for (const row of rows) {
      const line = parseRow(lineRowSchema, row).data;
      const { custom_id } = sources[line.line] ?? {};
      const named = { line: line.line, edit: line.job, ...(custom_id === undefined ? {} : { custom_id }) };
      if (line.status === "succeeded")
        output.push(JSON.stringify({ ...named, results: await sign(objects, line) }));
      else
        errors.push(
          JSON.stringify({ ...named, status: line.status, ...(line.error ? { error: line.error } : {}) }),
        );
    }
    if (rows.length < 500) break;
    after = rows.at(-1)?.sk;
  }
  const put = (key: string, lines: readonly string[]) =>
    objects.put(
      key,
      new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")),
      "application/jsonl",
    );
  await put(objectKeys.batchOutput(account, id), output);
  await put(objectKeys.batchErrors(account, id), errors);
}

const sign = (objects: SweepPorts["objects"], { results }: LineRow) =>
  Promise.all(
    results.map(async ({ key, width, height }) => ({
      ...{ width, height },
      url: await objects.presignDownload(key, lifetimes.result),
    })),
  );

/** `"conflict"` when somebody else was faster: then their step counts, and this one is repeated at the next look. */
function write(
  { table }: SweepPorts,
  batch: StoredBatch,
  version: number,
  due?: number,
): Promise<TableRow | "conflict"> {
  const key = rowKeys.resource(batch.account, batch.id);
  return table.replace({ ...key, data: batch, ...(due === undefined ? {} : { due: toIso(due) }) }, version);
}
