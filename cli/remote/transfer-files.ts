import { readFile } from "node:fs/promises";
import type { Visii } from "visii-client";
import { RetryableError, VisibleError } from "visii-engine/errors";
import type { ReadableFormat } from "visii-engine/images";
import { maxUploadBytes, type UploadType } from "../../shared/resources/upload.ts";

export const imageUploadType = {
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  avif: "image/avif",
  heic: "image/heic",
  tiff: "image/tiff",
} as const satisfies Readonly<Record<ReadableFormat, UploadType>>;

/** Uploads a file and returns the upload's ID. */
export async function uploadFile(api: Visii, path: string, type: UploadType): Promise<string> {
  const bytes = await readFile(path);
  if (bytes.length > maxUploadBytes)
    throw new VisibleError(
      "file_too_large",
      `${path} is ${(bytes.length / 2 ** 20).toFixed(1)} MiB; the service accepts at most ${maxUploadBytes / 2 ** 20} MiB; reduce its size.`,
    );
  return (await api.uploads.send(Uint8Array.from(bytes), type)).id;
}

/** Downloads from a signed URL. */
export async function download(url: string, what: string): Promise<Uint8Array> {
  const answer = await fetch(url);
  if (!answer.ok)
    throw new RetryableError(
      `${what} could not be downloaded: the storage returned status ${answer.status}.`,
    );
  return new Uint8Array(await answer.arrayBuffer());
}
