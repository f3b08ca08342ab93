import sharp from "sharp";

/** A small picture: a gradient of the given colour. */
export function picture(
  format: "png" | "jpeg" | "webp" | "avif" = "png",
  { width = 32, height = 32, red = 200 } = {},
): Promise<Buffer> {
  const raw = Buffer.alloc(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    raw[pixel * 3] = red;
    raw[pixel * 3 + 1] = (pixel % width) * Math.floor(255 / width);
    raw[pixel * 3 + 2] = Math.floor(pixel / width) * Math.floor(255 / height);
  }
  return sharp(raw, { raw: { width, height, channels: 3 } })
    .toFormat(format)
    .toBuffer();
}
