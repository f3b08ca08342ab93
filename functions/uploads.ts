import { imageTypes, type Upload, type UploadType, uploadSchema } from "../shared/resources/upload.ts";
import { parseRow, rowKeys } from "../shared/rows.ts";
import type { Edge } from "./edge.ts";
import { refuse } from "./problem-responses.ts";

/** Returns the upload, unless it has expired. */
export async function readUpload(
  { table, clock }: Edge,
  account: string,
  id: string,
): Promise<Upload | undefined> {
  const row = await table.get(rowKeys.resource(account, id));
  const upload = row && parseRow(uploadSchema, row).data;
  return upload && !isGone(upload, clock.now()) ? upload : undefined;
}

/**
 * Returns true from the expiry time on, even before the sweeper deletes the upload.
 *
 * @param now milliseconds since 1970
 */
export const isGone = ({ expires_at }: Upload, now: number): boolean =>
  expires_at !== undefined && Date.parse(expires_at) <= now;

/**
 * Returns the uploads by ID.
 *
 * @throws VisibleError unless all belong to the account, are completed and have one of `types`
 */
export async function requireUploads(
  edge: Edge,
  account: string,
  ids: readonly string[],
  types: readonly UploadType[] = imageTypes,
): Promise<ReadonlyMap<string, Upload>> {
  const found = new Map<string, Upload>();
  const uploads = await Promise.all(
    [...new Set(ids)].map(async (id) => [id, await readUpload(edge, account, id)] as const),
  );
  for (const [id, upload] of uploads) {
    if (!upload) throw refuse("not_found", `Upload ${id} not found.`);
    if (upload.status !== "ready")
      throw refuse(
        "not_ready",
        `Upload ${id} is not completed; send the file, then POST /v1/uploads/${id}/complete.`,
      );
    if (!types.includes(upload.content_type))
      throw refuse("invalid_upload", `Upload ${id} is ${upload.content_type}; expected ${types.join(", ")}.`);
    found.set(id, upload);
  }
  return found;
}

export const pixelsOf = ({ width = 0, height = 0 }: Pick<Upload, "width" | "height">): number =>
  width * height;
