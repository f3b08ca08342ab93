import { type DecodedImage, decodeImage } from "./decode-image.ts";
import type { RgbImage } from "./rgb-image.ts";

/** A photo: a file path, the bytes of a file (JPEG, PNG, WebP, AVIF, HEIC or TIFF), or pixels. */
export type ImageSource = string | Uint8Array | RgbImage;

/** @throws VisibleError as decodeImage does, naming `subject` */
export async function openImage(
  source: ImageSource,
  subject?: string,
): Promise<Pick<DecodedImage, "image" | "transparency" | "metadata">> {
  return typeof source === "string" || source instanceof Uint8Array
    ? decodeImage(source, subject)
    : { image: source };
}
