import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VisibleError } from "../../shared/errors.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";
import type { Normalize } from "./decoder.ts";

interface ImagePorts {
  readonly objects: ObjectStore;
  readonly normalize: Normalize;
}

/** Returns the path of an uploaded image as a normalized PNG. `subject` names the image in errors. */
export type ImageOf = (upload: string, subject: string) => Promise<string>;

/**
 * Runs `work` with access to the images of an account's uploads. Their files are deleted when it ends.
 *
 * An upload is decoded when a job first needs it, not when it is completed: the API has no decoder, and an
 * upload that no job uses costs nothing. The PNG is stored, and later jobs read it.
 */
export async function withImages<Result>(
  ports: ImagePorts,
  account: string,
  signal: AbortSignal,
  work: (imageOf: ImageOf) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "visii-images-"));
  const files = new Set<string>();
  try {
    return await work(async (upload, subject) => {
      const path = join(folder, `${upload}.png`);
      if (!files.has(path)) await writeFile(path, await normalized(ports, account, upload, subject, signal));
      files.add(path);
      return path;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function normalized(
  { objects, normalize }: ImagePorts,
  account: string,
  upload: string,
  subject: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const key = objectKeys.normalized(account, upload);
  const known = await objects.get(key);
  if (known) return known;
  const png = await normalize(await readUpload(objects, account, upload), subject, signal);
  await objects.put(key, png, "image/png");
  if ((await objects.size(objectKeys.input(account, upload))) !== undefined) return png;
  // The upload was deleted in the meantime, possibly before this object was stored.
  await objects.delete(key);
  throw uploadGone(upload);
}

/** Reads the file as the caller uploaded it. @throws VisibleError `upload_gone` */
export async function readUpload(objects: ObjectStore, account: string, upload: string): Promise<Uint8Array> {
  const bytes = await objects.get(objectKeys.input(account, upload));
  if (!bytes) throw uploadGone(upload);
  return bytes;
}

const uploadGone = (upload: string) =>
  new VisibleError("upload_gone", `Upload ${upload} no longer exists; upload the file again.`);
