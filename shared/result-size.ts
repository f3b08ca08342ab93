import type { OutputFormat } from "./resources/edit.ts";
import type { Upload, UploadType } from "./resources/upload.ts";

/** Metadata that is kept, with the color profile, and the file's own structure. */
const aside = 2 ** 21;
/** What compression adds to pixels that it cannot make smaller. */
const expansion = 1.01;

/** Bytes of a pixel of a PNG result. PNG and TIFF may have 16 bits, all types except JPEG transparency. */
const pngPixel = (type: UploadType): number =>
  type === "image/jpeg" ? 3 : type === "image/png" || type === "image/tiff" ? 8 : 4;
/** JPEG and WebP are lossy, with 8 bits. Noise takes less than this. */
const lossyPixel = 4;

/** The most bytes that the results of one image can take. */
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
