import { extname } from "node:path";
import type { UploadType } from "visii-client";

const types: Readonly<Record<string, UploadType>> = {
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".png": "image/png",
  ".webp": "image/webp",
  ".avif": "image/avif",
  ".heic": "image/heic",
  ".tif": "image/tiff",
  ".tiff": "image/tiff",
};

/** Returns the content type of an upload by the file's extension. */
export function contentTypeOf(file: string): UploadType {
  const type = types[extname(file).toLowerCase()];
  if (!type) throw new Error(`${file} has an unsupported type; use JPEG, PNG, WebP, AVIF, HEIC or TIFF`);
  return type;
}
