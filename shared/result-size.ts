import type { OutputFormat } from "./resources/edit.ts";
import type { Upload, UploadType } from "./resources/upload.ts";

/** Bytes of kept metadata, the color profile and the file's structure. */
const aside = 2 ** 21;
/** Factor by which compression enlarges incompressible pixels. */
const expansion = 1.01;

/**
 * Bytes per pixel of a PNG result. Photos in PNG or TIFF may have 16 bits, and all except JPEG transparency.
 */
const pngPixel = (type: UploadType): number =>
  type === "image/jpeg" ? 3 : type === "image/png" || type === "image/tiff" ? 8 : 4;
/** Bytes per pixel of JPEG and WebP, which are lossy with 8 bits. Noise takes less. */
const lossyPixel = 4;

/** Returns the maximum bytes of the results of one image. */
export function maxResultBytes(
  {
    format = "png",
    count = 1,
  }: { readonly format?: OutputFormat | undefined; readonly count?: number | undefined },
  { content_type, width = 0, height = 0 }: Pick<Upload, "content_type" | "width" | "height">,
): number {
  const pixel = format === "png" ? pngPixel(content_type) : lossyPixel;
  return count * (Math.ceil(width * height * pixel * expansion) + aside);
}
