import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { chromaticities, createIccProfile } from "../../../engine/color/icc-profile.ts";
import { decodeImage } from "../../../engine/images/decode-image.ts";
import { openPhoto } from "../../../engine/images/open-photo.ts";
import { createRgbImage, type RgbImage } from "../../../engine/images/rgb-image.ts";
import { withTransparency } from "../../../engine/images/with-transparency.ts";
import { encodeImage } from "../../../engine/images/write-image.ts";
import { embedInPng } from "../../../engine/metadata/embed-png.ts";
import { pixelOf } from "./stand-ins.ts";

const icc = createIccProfile(chromaticities.displayP3, "srgb");
const size = { resolution: 48, multiple: 16 };
/** Patches of 32 pixels: two colors outside sRGB, gray, and one color inside. */
const patches = [
  [255, 0, 0],
  [0, 255, 0],
  [128, 128, 128],
  [150, 100, 80],
] as const;
const near = (wanted: readonly number[], by: number) =>
  wanted.map((value) => expect.toSatisfy((found: number) => Math.abs(found - value) <= by));

/** The patches in Display P3, 32 × count of them by 32 · scale pixels. */
async function p3Photo(scale: number): Promise<Buffer> {
  const side = 32 * scale;
  const width = side * patches.length;
  const pixels = Buffer.from(
    Array.from({ length: width * side }, (_, at) => patches[Math.floor((at % width) / side)]!).flat(),
  );
  return embedInPng(
    await sharp(pixels, { raw: { width, height: side, channels: 3 } })
      .png()
      .toBuffer(),
    {
      profile: icc,
    },
  );
}

const half = ({ width, height, data }: RgbImage) =>
  createRgbImage(
    width,
    height,
    data.map((value) => (value + 1) / 2 - 1),
  );
/** Stored values at the patches' centers, without color management. */
async function storedPatches(file: Uint8Array): Promise<number[][]> {
  const { data, info } = await sharp(file, { ignoreIcc: true }).raw().toBuffer({ resolveWithObject: true });
  const side = info.width / patches.length;
  return patches.map((_, index) => {
    const at = (Math.floor(info.height / 2) * info.width + Math.floor((index + 0.5) * side)) * info.channels;
    return [...data.subarray(at, at + 3)];
  });
}

describe.each([1, 4])("a Display P3 photo, %i times the model's size", (scale) => {
  it("is returned unchanged and tagged if nothing is edited, in every format", async () => {
    const photo = await openPhoto(await p3Photo(scale), size, "photo", { colorProfile: "keep" });
    const { image, ...file } = photo.finish(photo.image);
    for (const [format, tolerance] of [
      ["png", 1],
      ["jpeg", 5],
      ["webp", 8],
      ["avif", 8],
    ] as const) {
      const result = await encodeImage(image, format, { ...file, quality: 100 });
      expect(Buffer.compare((await sharp(result).metadata()).icc!, icc), format).toBe(0);
      const stored = await storedPatches(result);
      for (const [index, patch] of patches.entries())
        expect(stored[index], format).toEqual(near(patch, tolerance));
    }
  });

  it("is passed to the model in sRGB, as when it is converted", async () => {
    const file = await p3Photo(scale);
    const [kept, converted] = [
      await openPhoto(file, size, "photo", { colorProfile: "keep" }),
      await openPhoto(file, size, "photo"),
    ];
    const x = Math.floor(kept.image.width * 0.375);
    // Known values: P3 green is outside sRGB, (150, 100, 80) is (159, 98, 76) there.
    expect(pixelOf(kept.image, x, 8)).toEqual(near([0, 255, 0], 2));
    const last = Math.floor(kept.image.width * 0.875);
    expect(pixelOf(kept.image, last, 8)).toEqual(near([159, 98, 76], 2));
    expect(pixelOf(kept.image, last, 8)).toEqual(near(pixelOf(converted.image, last, 8), 2));
  });

  it("that is darkened keeps its saturation outside sRGB", async () => {
    const photo = await openPhoto(await p3Photo(scale), size, "photo", { colorProfile: "keep" });
    const { image, ...file } = photo.finish(half(photo.image));
    const [red, green, gray] = await storedPatches(await encodeImage(image, "png", file));
    // Half of (255, 0, 0) in Display P3; sRGB's red would give (117, 26, 18) there.
    expect(red).toEqual(near([128, 0, 0], 12));
    expect(green).toEqual(near([0, 128, 0], 12));
    expect(gray).toEqual(near([64, 64, 64], 2));
  });

  it("is clipped to sRGB, without a tag, unless `keep` is requested", async () => {
    const photo = await openPhoto(await p3Photo(scale), size, "photo");
    const { image, ...file } = photo.finish(photo.image);
    const result = await encodeImage(image, "png", file);
    expect((await sharp(result).metadata()).icc).toBeUndefined();
    const stored = await storedPatches(result);
    expect(stored[0]).toEqual(near([255, 0, 0], 2));
    expect(stored[3]).toEqual(near([159, 98, 76], 2));
  });
});

describe("a photo of 16 bits", () => {
  /** A ramp of 24 of 65,536 levels a pixel: a tenth of a level of 8 bits. */
  const [width, height] = [192, 64];
  const ramp = Uint16Array.from({ length: width * height * 3 }, (_, at) => {
    const [pixel, channel] = [Math.floor(at / 3), at % 3];
    return 20_000 + 24 * (pixel % width) + 5_000 * channel + Math.floor(pixel / width);
  });
  const deep = () => sharp(ramp, { raw: { width, height, channels: 3 } }).toColourspace("rgb16");
  const levels = async (file: Uint8Array) => {
    const { data, info } = await sharp(file)
      .toColourspace("rgb16")
      .raw({ depth: "ushort" })
      .toBuffer({ resolveWithObject: true });
    return {
      values: new Uint16Array(data.buffer, data.byteOffset, data.length / 2),
      channels: info.channels,
    };
  };

  it.each([
    ["png", () => deep().png()],
    ["tiff", () => deep().tiff({ compression: "lzw" })],
  ] as const)(
    "as %s is returned as a 16-bit PNG with the same levels if nothing is edited",
    async (_, make) => {
      const photo = await openPhoto(await make().toBuffer(), size, "photo");
      expect(photo.image.width).toBeLessThan(width);
      const { image, ...file } = photo.finish(photo.image);
      const result = await encodeImage(image, "png", file);
      expect((await sharp(result).metadata()).depth).toBe("ushort");
      const { values } = await levels(result);
      expect(Math.max(...values.map((value, at) => Math.abs(value - ramp[at]!)))).toBeLessThanOrEqual(1);
    },
  );

  it("that is darkened has levels that 8 bits do not have", async () => {
    const photo = await openPhoto(await deep().png().toBuffer(), size, "photo");
    const { image, ...file } = photo.finish(half(photo.image));
    const { values } = await levels(await encodeImage(image, "png", file));
    expect(Math.max(...values.map((value, at) => Math.abs(value - ramp[at]! / 2)))).toBeLessThan(40);
    const row = new Set(Array.from({ length: width }, (_, x) => values[x * 3]));
    expect(row.size).toBeGreaterThan(width * 0.9);
  });

  it("keeps its transparency and its color space", async () => {
    const pixels = new Uint16Array([51_400, 7_710, 7_710, 0x8080, 7_710, 51_400, 7_710, 0xffff]);
    const png = await sharp(pixels, { raw: { width: 2, height: 1, channels: 4 } })
      .toColourspace("rgb16")
      .png()
      .toBuffer();
    const decoded = await decodeImage(embedInPng(png, { profile: icc }), "photo", "keep");
    const { image, ...file } = withTransparency(decoded, decoded.image);
    const result = await encodeImage(image, "png", file);
    expect((await sharp(result).metadata()).icc).toEqual(icc);
    const { data } = await sharp(result, { ignoreIcc: true })
      .toColourspace("rgb16")
      .raw({ depth: "ushort" })
      .toBuffer({ resolveWithObject: true });
    expect([...new Uint16Array(data.buffer, data.byteOffset, 8)]).toEqual([...pixels]);
  });

  it("gives 8 bits in the other formats", async () => {
    const decoded = await decodeImage(await deep().png().toBuffer());
    const { image, ...file } = withTransparency(decoded, decoded.image);
    for (const format of ["jpeg", "webp", "avif"] as const)
      expect((await sharp(await encodeImage(image, format, file)).metadata()).depth).toBe("uchar");
  });
});
