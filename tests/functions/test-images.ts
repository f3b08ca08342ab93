import { readFile } from "node:fs/promises";
import sharp from "sharp";

/** Noise of `side` × `side` pixels whose header, as the API reads it, states 64×64. */
export async function lyingNoise(side: number): Promise<Buffer> {
  const raw = Uint8Array.from(
    { length: side * side * 3 },
    (_, index) => Math.imul(index, 2_654_435_761) >>> 24,
  );
  const avif = await sharp(raw, { raw: { width: side, height: side, channels: 3 } })
    .avif({ quality: 90, effort: 0 })
    .toBuffer();
  const padding = lyingPadding();
  // The base offset of the item in its `iloc` box moves with the data.
  const offset = avif.indexOf("iloc") + 16;
  avif.writeUInt32BE(avif.readUInt32BE(offset) + padding.length, offset);
  const ftyp = avif.readUInt32BE(0);
  return Buffer.concat([avif.subarray(0, ftyp), padding, avif.subarray(ftyp)]);
}

/** A box that decoders skip, in which the API finds an `ispe` of 64×64. */
function lyingPadding(): Buffer {
  const padding = Buffer.alloc(20_000);
  padding.writeUInt32BE(padding.length, 0);
  padding.write("free", 4);
  padding.write("ispe", 12);
  padding.writeUInt32BE(64, 20);
  padding.writeUInt32BE(64, 24);
  return padding;
}

/**
 * A decompression bomb that only the decoder can refuse: the API reads 64×64 (from an `ispe` box in padding,
 * in AVIF's first 16 KB), and a decoder 19,000×19,000.
 */
export async function lyingBomb(): Promise<Buffer> {
  const avif = await picture("avif", { width: 64, height: 64 });
  const ftyp = avif.readUInt32BE(0);
  const rest = Buffer.from(avif.subarray(ftyp));
  for (let at = rest.indexOf("ispe"); at >= 0; at = rest.indexOf("ispe", at + 1)) {
    rest.writeUInt32BE(19_000, at + 8);
    rest.writeUInt32BE(19_000, at + 12);
  }
  return Buffer.concat([avif.subarray(0, ftyp), lyingPadding(), rest]);
}

/** A photo as an iPhone writes it, 48 × 32. */
export const heicPhoto = () => readFile(new URL("../fixtures/heic/p3.heic", import.meta.url));

/** A small image: a gradient of the given color. */
export function picture(
  format: "png" | "jpeg" | "webp" | "avif" | "tiff" = "png",
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
