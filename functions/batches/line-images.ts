import { readAccount } from "../../shared/accounts/account.ts";
import { uploadTimes, writeCompleted } from "../../shared/completed-uploads.ts";
import { VisibleError } from "../../shared/errors.ts";
import { deriveId } from "../../shared/ids.ts";
import { readImageHeader } from "../../shared/image-header.ts";
import { mapConcurrently } from "../../shared/map-concurrently.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { StoredBatch } from "../../shared/resources/batch.ts";
import { maxUploadBytes, type Upload, uploadSchema } from "../../shared/resources/upload.ts";
import { parseRow, rowKeys } from "../../shared/rows.ts";
import { readTotals, requireStorage, storageLimit } from "../../shared/totals.ts";
import { checkUpload } from "../upload-check.ts";
import { isGone } from "../uploads.ts";
import type { BatchLine } from "./batch-input.ts";
import type { BatchPorts } from "./batch-ports.ts";

/** Maximum objects imported concurrently. Each is in memory. */
const importsAtOnce = 4;

/** ID of the upload that is, or will be, a line's image. */
export const lineImage = (batch: string, line: number, { image }: BatchLine): string =>
  image ?? deriveId("upload", batch, String(line));

/**
 * Returns a completed upload or an error for each line from `first`. Objects are imported as uploads.
 */
export async function lineImages(
  ports: BatchPorts,
  batch: StoredBatch,
  first: number,
  lines: readonly BatchLine[],
): Promise<readonly (Upload | VisibleError)[]> {
  const keys = lines.map((line, index) =>
    rowKeys.resource(batch.account, lineImage(batch.id, first + index, line)),
  );
  const rows = await ports.table.getAll(keys);
  return mapConcurrently(importsAtOnce, lines, async ({ image, object }, index) => {
    const row = rows[index];
    const upload = row && parseRow(uploadSchema, row).data;
    if (upload?.status === "ready" && !isGone(upload, ports.clock.now())) return upload;
    if (object === undefined)
      return new VisibleError(
        "not_ready",
        `Upload ${image} is missing or not completed; it may have expired. Upload the file again.`,
      );
    try {
      return await importObject(ports, batch.account, lineImage(batch.id, first + index, {}), object);
    } catch (error) {
      if (error instanceof VisibleError) return error;
      throw error;
    }
  });
}

/** Validates an object like an upload, and copies it to a key that no other tool can overwrite. */
async function importObject(
  { table, objects, clock }: BatchPorts,
  account: string,
  id: string,
  object: string,
): Promise<Upload> {
  const size = await objects.size(object);
  if (size === undefined)
    throw new VisibleError("upload_gone", `Object ${object} no longer exists; store it again.`);
  if (size > maxUploadBytes)
    throw new VisibleError(
      "too_large",
      `Object ${object} has ${size} bytes; the limit is ${maxUploadBytes}. Use a smaller file.`,
    );
  const bytes = (await objects.get(object)) ?? new Uint8Array();
  const type = readImageHeader(bytes)?.type ?? "image/jpeg";
  const facts = checkUpload(bytes, type);
  const limit = storageLimit(await readAccount(table, account));
  requireStorage(await readTotals(table, account), { bytes: bytes.byteLength, limit });
  await objects.put(objectKeys.input(account, id), bytes, type);
  const { expires_at, row } = uploadTimes(clock.now());
  const upload: Upload = {
    id,
    status: "ready",
    content_type: type,
    created_at: toIso(clock.now()),
    expires_at,
    ...facts,
  };
  const key = rowKeys.resource(account, id);
  const insert = { insert: { ...key, data: { ...upload, account }, ...row } };
  while ((await writeCompleted({ table }, account, upload, limit, () => insert)) === "conflict")
    if (await table.get(key)) break;
  return upload;
}
