import { batchPace } from "../../shared/batch-pace.ts";
import { VisibleError } from "../../shared/errors.ts";
import { deriveId } from "../../shared/ids.ts";
import { readImageHeader } from "../../shared/image-header.ts";
import { lifetimes, objectKeys } from "../../shared/object-keys.ts";
import { toIso } from "../../shared/ports/clock.ts";
import { editingCost } from "../../shared/prices.ts";
import type { StoredBatch } from "../../shared/resources/batch.ts";
import { maximumUploadBytes, type Upload, uploadSchema } from "../../shared/resources/upload.ts";
import { parseRow, rowKeys } from "../../shared/rows.ts";
import type { SweepPorts } from "../sweep/sweep.ts";
import { checkUpload } from "../upload-check.ts";
import { pixelsOf } from "../uploads.ts";
import type { BatchLine } from "./batch-lines.ts";

/** The edit of a line: its id follows from batch and line, so that handing it in twice makes one. */
export const lineJobId = (batch: string, line: number): string => deriveId("edit", batch, String(line));

/**
 * Submits one line as an edit on the bulk queue. A line that cannot be edited gets its own error.
 *
 * @returns `"later"` while the account has as many bulk edits open as it may
 */
export async function submitLine(
  ports: SweepPorts,
  batch: StoredBatch,
  line: number,
  source: BatchLine,
): Promise<"submitted" | "later"> {
  const { jobs, ledger, table, clock } = ports;
  const { account, request } = batch;
  const id = lineJobId(batch.id, line);
  if (await jobs.get(account, id)) return "submitted";
  try {
    const image = await readyImage(ports, batch, line, source);
    const cost = editingCost({ ...request.options, instruction: request.instruction }, pixelsOf(image));
    await ledger.reserve(account, id, cost, { class: "bulk", most: batchPace.window });
    const job = await jobs.insert({
      ...{ id, account, queue: "bulk", status: "queued", attempt: 0, failures: 0, reserved: cost },
      request: { kind: "edit", ...request.options, instruction: request.instruction, images: [image.id] },
      ...{ cancel_requested: false, results: [], has_preview: false, concluded: false },
      created_at: toIso(clock.now()),
      batch: { id: batch.id, line },
      ...(batch.keep_results === undefined ? {} : { keep_results: batch.keep_results }),
    });
    await jobs.enqueue(job);
  } catch (error) {
    if (!(error instanceof VisibleError)) throw error;
    if (error.code === "too_many_jobs") return "later";
    const data = {
      line,
      job: id,
      status: "failed",
      results: [],
      error: { code: error.code, message: error.message },
    };
    await table.insert({ ...rowKeys.batchLine(batch.id, line), data });
  }
  return "submitted";
}

/** A line's picture as a checked input: an upload that is ready, or an object brought in now. */
async function readyImage(
  { table, objects, clock }: SweepPorts,
  { id: batch, account }: StoredBatch,
  line: number,
  { image, object = "" }: BatchLine,
): Promise<Upload> {
  if (image !== undefined) {
    const row = await table.get(rowKeys.resource(account, image));
    const upload = row && parseRow(uploadSchema, row).data;
    if (upload?.status !== "ready")
      throw new VisibleError("not_ready", `There is no complete upload ${image}.`);
    return upload;
  }
  const id = deriveId("upload", batch, String(line));
  const size = await objects.size(object);
  if (size === undefined) throw new VisibleError("upload_gone", "The object is no longer there.");
  if (size > maximumUploadBytes) throw new VisibleError("too_large", `The object has ${size} bytes.`);
  const bytes = (await objects.get(object)) ?? new Uint8Array();
  const type = readImageHeader(bytes)?.type ?? "image/jpeg";
  const facts = checkUpload(bytes, type);
  await objects.put(objectKeys.input(account, id), bytes, type);
  const expires = clock.now() + lifetimes.input * 1000;
  const upload: Upload = {
    id,
    status: "ready",
    content_type: type,
    created_at: toIso(clock.now()),
    expires_at: toIso(expires),
    ...facts,
  };
  const data = { ...upload, account };
  await table.insert({ ...rowKeys.resource(account, id), data, expires: Math.floor(expires / 1000) });
  return upload;
}
