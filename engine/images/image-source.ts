import { type DecodedImage, decodeImage } from "./decode-image.ts";
import type { RgbImage } from "./rgb-image.ts";

/** A photo: its file's path, its file's bytes (JPEG, PNG, WebP, AVIF, HEIC or TIFF), or its pixels. */
export type ImageSource = string | Uint8Array | RgbImage;

/** @throws VisibleError as decodeImage does, naming `subject` */
export async function openImage(
  source: ImageSource,
  subject?: string,
): Promise<Pick<DecodedImage, "image" | "transparency">> {
  return typeof source === "string" || source instanceof Uint8Array
    ? decodeImage(source, subject)
    : { image: source };
}
