import { createHash } from "node:crypto";
import { VisibleError } from "../shared/errors.ts";
import { readImageHeader } from "../shared/image-header.ts";
import {
  imageTypes,
  maxPixels,
  maxSide,
  maxUploadBytes,
  type Upload,
  type UploadType,
} from "../shared/resources/upload.ts";

/**
 * Validates an uploaded file by its bytes. Images are not decoded here, because that is expensive and risky;
 * the worker does it.
 *
 * @throws VisibleError
 */
export function checkUpload(
  bytes: Uint8Array,
  declared: UploadType,
): Pick<Upload, "bytes" | "width" | "height" | "sha256"> {
  if (bytes.byteLength === 0) throw new VisibleError("invalid_upload", "The file is empty; upload it again.");
  if (bytes.byteLength > maxUploadBytes)
    throw new VisibleError(
      "too_large",
      `The file has ${bytes.byteLength} bytes; the limit is ${maxUploadBytes}. Use a smaller file.`,
    );
  const facts = { bytes: bytes.byteLength, sha256: createHash("sha256").update(bytes).digest("hex") };
  if (!(imageTypes as readonly string[]).includes(declared)) {
    checkDocument(bytes, declared);
    return facts;
  }
  const header = readImageHeader(bytes);
  if (!header)
    throw new VisibleError(
      "unsupported_image",
      "The file is not a complete JPEG, PNG, WebP, AVIF, HEIC or TIFF image; convert other formats to JPEG or PNG.",
    );
  const { type, width, height } = header;
  if (type !== declared)
    throw new VisibleError(
      "invalid_upload",
      `The upload's content type is ${declared}, but the file is ${type}; create an upload with that content type.`,
    );
  if (width > maxSide || height > maxSide || width * height > maxPixels)
    throw new VisibleError(
      "image_too_large",
      `The image is ${width}×${height} pixels; the limits are ${maxSide} pixels per side and ${maxPixels / 1e6} megapixels. Scale it down first.`,
    );
  return { ...facts, width, height };
}

function checkDocument(bytes: Uint8Array, declared: UploadType): void {
  const head = new DataView(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 16));
  if (declared === "application/vnd.visii") {
    const sound = bytes.byteLength > 9 && head.getBigUint64(0, true) < bytes.byteLength && bytes[8] === 0x7b;
    if (!sound)
      throw new VisibleError("invalid_upload", "The file is not a .visii file; upload one that visii wrote.");
    return;
  }
  try {
    const firstLine = new TextDecoder("utf-8", { fatal: true }).decode(bytes).split("\n", 1)[0] ?? "";
    JSON.parse(firstLine);
  } catch (cause) {
    throw new VisibleError("invalid_upload", "The manifest's first line is not valid JSON; use JSON Lines.", {
      cause,
    });
  }
}
