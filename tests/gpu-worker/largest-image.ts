import sharp from "sharp";

/** Pixels of the largest image that the API accepts, almost. */
export const [largestWidth, largestHeight] = [8160, 6120];
export const largestFormats = ["jpeg", "webp", "png"] as const;
type Format = (typeof largestFormats)[number];
/** Settings that are quick and keep the files within the limit of uploads. */
const options = {
  jpeg: { quality: 80 },
  webp: { effort: 0 },
  png: { compressionLevel: 6, adaptiveFiltering: true },
};

/** The largest image that the API accepts, with gradients and edges; a PNG has 16 bits per channel. */
export function largestImage(format: Format): Promise<Buffer> {
  const [width, height] = [largestWidth, largestHeight];
  const deep = format === "png";
  const top = deep ? 65_535 : 255;
  const length = width * height * 3;
  const values = deep ? new Uint16Array(length) : new Uint8Array(length);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      values[at++] = (top * x) / width;
      values[at++] = (top * y) / height;
      values[at++] = ((x >> 6) + (y >> 6)) % 2 ? top : 0;
    }
  const image = sharp(values, { raw: { width, height, channels: 3 } });
  if (deep) image.toColourspace("rgb16");
  return image.toFormat(format, options[format]).toBuffer();
}
