import type { ColorProfileMode } from "./color-profile-mode.ts";
import { decodeImage } from "./decode-image.ts";
import type { RgbImage } from "./rgb-image.ts";
import type { PhotoPixels } from "./with-transparency.ts";

/** A photo: a file path, the bytes of a file (JPEG, PNG, WebP, AVIF, HEIC or TIFF), or pixels. */
export type ImageSource = string | Uint8Array | RgbImage;

/** @throws VisibleError as decodeImage does, naming `subject` */
export async function openImage(
  source: ImageSource,
  subject?: string,
  colorProfile?: ColorProfileMode,
): Promise<PhotoPixels> {
  return typeof source === "string" || source instanceof Uint8Array
    ? decodeImage(source, subject, colorProfile)
    : { image: source };
}
