import sharp from "sharp";
import { expect, it } from "vitest";
import { decodeImage } from "../../engine/images/decode-image.ts";
import { withTransparency } from "../../engine/images/with-transparency.ts";
import { encodeImage } from "../../engine/images/write-image.ts";
import { SeededRandom } from "../../engine/random/seeded-random.ts";
import { maxResultBytes } from "../../shared/result-size.ts";

const [width, height] = [800, 700];
/** What is allowed for metadata, which these images do not have. */
const aside = maxResultBytes({}, { content_type: "image/png" });

/** Noise, which no format can compress, with as many bits and channels as the format has. */
async function noise(format: "jpeg" | "png" | "tiff" | "webp"): Promise<Buffer> {
  const random = new SeededRandom(1, format);
  const channels = format === "jpeg" ? 3 : 4;
  const deep = format === "png" || format === "tiff";
  const length = width * height * channels;
  const values = Array.from({ length }, () => Math.floor(random.uniform() * (deep ? 65_536 : 256)));
  const raw = deep ? Uint16Array.from(values) : Uint8Array.from(values);
  const picture = sharp(raw, { raw: { width, height, channels } });
  if (deep) picture.toColourspace("rgb16");
  const lossless = { lossless: true, compression: "lzw" } as const;
  return picture.toFormat(format, format === "jpeg" ? { quality: 100 } : lossless).toBuffer();
}

it.each(["jpeg", "png", "tiff", "webp"] as const)("holds for every result of noise in a %s", async (type) => {
  const original = await decodeImage(await noise(type));
  const { image, ...kept } = withTransparency(original, original.image);
  for (const format of ["png", "jpeg", "webp"] as const) {
    const { length } = await encodeImage(image, format, kept);
    const most = maxResultBytes({ format }, { content_type: `image/${type}`, width, height }) - aside;
    expect(length).toBeLessThan(most);
    // A PNG comes close; a lower limit would not hold.
    if (format === "png") expect(length).toBeGreaterThan(0.8 * most);
  }
});
