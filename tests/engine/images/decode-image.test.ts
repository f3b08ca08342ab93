import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { heicToPng } from "../../../engine/images/decode-heic.ts";
import { decodeImage } from "../../../engine/images/decode-image.ts";
import { renderSvg } from "../../../engine/images/render-svg.ts";
import { toBytes } from "../../../engine/images/rgb-image.ts";
import { withTransparency } from "../../../engine/images/with-transparency.ts";
import { embedInPng } from "../../../engine/metadata/embed-png.ts";
import { slowJpeg } from "../../gpu-worker/hostile-images.ts";
import { drawnImage, pixelOf, plain } from "./stand-ins.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-images-"));
});
afterAll(() => rm(folder, { recursive: true }));

const drawn = drawnImage(40, 24);
const picture = () => sharp(toBytes(drawn), { raw: { width: 40, height: 24, channels: 3 } });

/** A PNG header with a size, followed by almost no data. */
function claimingPng(width: number, height: number): Buffer {
  const chunk = (type: string, body: Buffer): Buffer => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(body.length);
    return Buffer.concat([size, Buffer.from(type), body, crc(Buffer.concat([Buffer.from(type), body]))]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.alloc(1000))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** A progressive JPEG whose last scan is repeated 2000 times. */
async function manyScans(): Promise<Buffer> {
  const file = await picture().jpeg({ progressive: true }).toBuffer();
  const last = file.lastIndexOf(Buffer.from([0xff, 0xda]));
  const scan = file.subarray(last, file.length - 2);
  return Buffer.concat([file.subarray(0, last), ...Array<Buffer>(2001).fill(scan), file.subarray(-2)]);
}

const cutShort = (file: Buffer): Buffer => file.subarray(0, Math.floor(file.length * 0.7));

function crc(bytes: Buffer): Buffer {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  const result = Buffer.alloc(4);
  result.writeUInt32BE((sum ^ 0xffffffff) >>> 0);
  return result;
}

/**
 * 48 × 32: the left half (200, 30, 30), the right (30, 160, 30), and 12 × 12 at the top left (30, 30, 200).
 */
const heic = (name: "plain" | "turned" | "p3" | "ten-bits") =>
  readFile(new URL(`../../fixtures/heic/${name}.heic`, import.meta.url));

/** The plain photo with other color primaries and transfer characteristics (ITU-T H.273). */
async function withCodePoints(primaries: number, transfer: number): Promise<Buffer> {
  const file = await heic("plain");
  const at = file.indexOf("colrnclx");
  file.writeUInt16BE(primaries, at + 8);
  file.writeUInt16BE(transfer, at + 10);
  return file;
}

const near = (wanted: readonly number[], by: number) =>
  wanted.map((value) => expect.toSatisfy((found: number) => Math.abs(found - value) <= by));

describe("decodeImage reads HEIC photos", () => {
  it.each(["plain", "ten-bits"] as const)("%s", async (name) => {
    const { image, format, hadOrientation } = await decodeImage(await heic(name));
    expect([format, hadOrientation, image.width, image.height]).toEqual(["heic", false, 48, 32]);
    expect(pixelOf(image, 3, 3)).toEqual(near([30, 30, 200], 3));
    expect(pixelOf(image, 3, 28)).toEqual(near([200, 30, 30], 3));
    expect(pixelOf(image, 44, 28)).toEqual(near([30, 160, 30], 3));
  });

  it("upright: what was at the top left is at the top right", async () => {
    const { image } = await decodeImage(await heic("turned"));
    expect([image.width, image.height]).toEqual([32, 48]);
    expect(pixelOf(image, 28, 3)).toEqual(near([30, 30, 200], 3));
    expect(pixelOf(image, 3, 3)).toEqual(near([200, 30, 30], 3));
  });

  // (200, 30, 30) of Display P3 is (218, 0, 9) of sRGB, where its red is outside.
  it("in Display P3, by profile and by code points", async () => {
    for (const file of [await heic("p3"), await withCodePoints(12, 13)])
      expect(pixelOf((await decodeImage(file)).image, 3, 28)).toEqual(near([218, 0, 9], 4));
  });

  it("with limits that are checked before decoding", async () => {
    const failure = heicToPng(await heic("plain"), undefined, "photo.heic", {
      maxSide: 100,
      maxPixels: 1000,
    });
    await expect(failure).rejects.toThrow(/photo\.heic is 48×32 pixels/);
  });
});

describe("decodeImage", () => {
  // Lossy codecs at quality 95 on a smooth image: within 8 of 255 gray levels, 0.07 in [−1, 1].
  it.each([
    ["jpeg", 0.07, () => picture().jpeg({ quality: 95, chromaSubsampling: "4:4:4" })],
    ["png", 0.004, () => picture().png()],
    ["webp", 0.004, () => picture().webp({ lossless: true })],
    ["avif", 0.07, () => picture().avif({ quality: 95, effort: 0 })],
    ["tiff", 0.004, () => picture().tiff({ compression: "lzw" })],
  ] as const)("reads %s, recognized by its bytes", async (format, tolerance, make) => {
    const path = join(folder, `${format}.txt`);
    await writeFile(path, await make().toBuffer());
    const decoded = await decodeImage(path);
    expect(decoded).toMatchObject({ format, hadOrientation: false, image: { width: 40, height: 24 } });
    const worst = Math.max(...decoded.image.data.map((value, index) => Math.abs(value - drawn.data[index]!)));
    expect(worst).toBeLessThan(tolerance);
  });

  it("applies the EXIF orientation", async () => {
    // Orientation 6: the stored image is rotated clockwise, so that its bottom left becomes the top left.
    const stored = await picture().withMetadata({ orientation: 6 }).png().toBuffer();
    const { image, hadOrientation } = await decodeImage(stored);
    expect(hadOrientation).toBe(true);
    expect([image.width, image.height]).toEqual([24, 40]);
    expect(pixelOf(image, 0, 0)).toEqual(pixelOf(drawn, 0, 23));
    expect(pixelOf(image, 23, 39)).toEqual(pixelOf(drawn, 39, 0));
  });

  it("puts transparent images on white, and returns alpha and colors separately", async () => {
    const file = await plain(4, 4, { r: 200, g: 0, b: 0, alpha: 0.5 }).webp({ lossless: true }).toBuffer();
    const decoded = await decodeImage(file);
    expect(pixelOf(decoded.image, 1, 1)).toEqual([227, 127, 127]);
    expect(decoded.transparency!.alpha[5]).toBe(128);
    expect(pixelOf(decoded.transparency!.colors, 1, 1)).toEqual([200, 0, 0]);
  });

  it("restores the colors and alpha of an unchanged image", async () => {
    const decoded = await decodeImage(await plain(4, 4, { r: 200, g: 0, b: 0, alpha: 0.5 }).png().toBuffer());
    const { image, alpha } = withTransparency(decoded, decoded.image);
    expect(pixelOf(image, 2, 2)).toEqual([200, 0, 0]);
    expect(alpha).toEqual(decoded.transparency!.alpha);
  });

  it("ignores an opaque alpha channel", async () => {
    const decoded = await decodeImage(await plain(4, 4, { r: 9, g: 9, b: 9, alpha: 1 }).png().toBuffer());
    expect(decoded.transparency).toBeUndefined();
  });

  it("expands grayscale to three channels, of 8 or 16 bits", async () => {
    const gray8 = await plain(4, 4, "#808080").toColourspace("b-w").png().toBuffer();
    const ramp = new Uint16Array([0, 0x8080, 0xffff, 0x4040]);
    const gray16 = await sharp(ramp, { raw: { width: 2, height: 2, channels: 1 } })
      .toColourspace("grey16")
      .png()
      .toBuffer();
    expect((await sharp(gray16).metadata()).depth).toBe("ushort");
    expect(pixelOf((await decodeImage(gray8)).image, 0, 0)).toEqual([128, 128, 128]);
    const { image } = await decodeImage(gray16);
    expect(pixelOf(image, 1, 0)).toEqual([128, 128, 128]);
    expect(pixelOf(image, 0, 1)).toEqual([255, 255, 255]);
  });

  it("reads 16-bit color", async () => {
    const deep = await sharp(new Uint16Array([0, 0x8080, 0xffff]), {
      raw: { width: 1, height: 1, channels: 3 },
    })
      .toColourspace("rgb16")
      .png()
      .toBuffer();
    expect((await sharp(deep).metadata()).depth).toBe("ushort");
    expect(pixelOf((await decodeImage(deep)).image, 0, 0)).toEqual([0, 128, 255]);
  });

  it("converts CMYK to sRGB", async () => {
    const cmyk = await plain(16, 16, "#ff0000").toColourspace("cmyk").jpeg().toBuffer();
    expect((await sharp(cmyk).metadata()).space).toBe("cmyk");
    const [red, green, blue] = pixelOf((await decodeImage(cmyk)).image, 8, 8);
    expect(red).toBeGreaterThan(200);
    expect(Math.max(green!, blue!)).toBeLessThan(60);
  });

  it("applies the profile of 16-bit pixels", async () => {
    const deep = await sharp(new Uint16Array([200 * 257, 30 * 257, 30 * 257]), {
      raw: { width: 1, height: 1, channels: 3 },
    })
      .toColourspace("rgb16")
      .png()
      .toBuffer();
    const { icc } = await sharp(await plain(1, 1, "#000").withIccProfile("p3").png().toBuffer()).metadata();
    expect(pixelOf((await decodeImage(embedInPng(deep, { profile: icc! }))).image, 0, 0)).toEqual(
      near([218, 0, 9], 1),
    );
  });

  it("reads the first image of a TIFF with several", async () => {
    const pages = await sharp(toBytes(drawn), { raw: { width: 40, height: 24, channels: 3, pageHeight: 12 } })
      .tiff({ compression: "lzw" })
      .toBuffer();
    const { image } = await decodeImage(pages);
    expect([image.width, pixelOf(image, 0, 0)]).toEqual([40, pixelOf(drawn, 0, 0)]);
  });

  it("applies an embedded color profile", async () => {
    const wide = await plain(4, 4, "#ff0000").withIccProfile("p3").png().toBuffer();
    expect([...(await sharp(wide, { ignoreIcc: true }).raw().toBuffer()).subarray(0, 3)]).not.toEqual([
      255, 0, 0,
    ]);
    expect(pixelOf((await decodeImage(wide)).image, 0, 0)).toEqual([255, 0, 0]);
  });
});

describe("decodeImage rejects, in one sentence that names the file and what to do,", () => {
  const svg = '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>';
  const box = (brand: string) =>
    Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from(`ftyp${brand}\0\0\0\0mif1heic`)]);
  const frames = () =>
    sharp(toBytes(drawn), { raw: { width: 40, height: 24, channels: 3, pageHeight: 12 } })
      .webp({ loop: 0 })
      .toBuffer();
  it.each<[string, () => Buffer | Promise<Buffer>, string, RegExp]>([
    ["an empty file", () => Buffer.alloc(0), "image_empty", /empty/],
    [
      "text",
      () => Buffer.from("hello, this is no picture"),
      "unsupported_image",
      /JPEG, PNG, WebP, AVIF, HEIC or TIFF/,
    ],
    ["an SVG", () => Buffer.from(svg), "unsupported_image", /export it as PNG/],
    ["a HEIC file without a picture", () => box("heic"), "damaged_image", /damaged or truncated HEIC/],
    ["the same that calls itself mif1", () => box("mif1"), "damaged_image", /damaged or truncated HEIC/],
    ["a HEIC photo cut short", async () => cutShort(await heic("plain")), "damaged_image", /truncated/],
    ["a HEIC photo in HDR", () => withCodePoints(9, 16), "unsupported_image", /HDR/],
    ["an animation", frames, "unsupported_image", /animation of 2 frames/],
    ["a GIF", () => plain(4, 4, "#fff").gif().toBuffer(), "unsupported_image", /GIF/],
    ["a JPEG of thousands of scans", manyScans, "image_too_complex", /2010 scans.*limit is 100/],
    [
      "a JPEG that hides scans behind markers without a length",
      async () => slowJpeg(64, 3, true),
      "image_too_complex",
      /127 scans.*limit is 100/,
    ],
    ["50,000 pixels of width", () => claimingPng(50_000, 10), "image_too_large", /50000×10 .* Scale it down/],
    ["a decompression bomb", () => claimingPng(19_000, 19_000), "image_too_large", /19000×19000/],
    ["a PNG cut short", async () => cutShort(await picture().png().toBuffer()), "damaged_image", /truncated/],
    [
      "a TIFF cut short",
      async () => cutShort(await picture().tiff({ compression: "none" }).toBuffer()),
      "damaged_image",
      /truncated/,
    ],
    [
      "a JPEG cut short",
      async () => cutShort(await picture().jpeg({ quality: 100 }).toBuffer()),
      "damaged_image",
      /truncated/,
    ],
    [
      "a WebP cut short",
      async () => cutShort(await picture().webp().toBuffer()),
      "damaged_image",
      /truncated/,
    ],
    [
      "an AVIF cut short",
      async () => cutShort(await picture().avif().toBuffer()),
      "damaged_image",
      /truncated/,
    ],
    [
      "bytes that only begin like a PNG",
      () => Buffer.from("\x89PNG\r\n\x1a\nrubbish", "latin1"),
      "damaged_image",
      /PNG/,
    ],
  ])("%s", async (name, make, code, sentence) => {
    const path = join(folder, `${name.replaceAll(/\W/g, "-")}.png`);
    await writeFile(path, await make());
    const failure = decodeImage(path);
    await expect(failure).rejects.toMatchObject({ name: "VisibleError", code });
    await expect(failure).rejects.toThrow(path);
    await expect(failure).rejects.toThrow(sentence);
  });

  it.each([
    ["a missing file", () => join(folder, "nowhere.png"), "image_not_found", /nowhere\.png does not exist/],
    ["a folder", () => folder, "image_is_folder", /is a folder/],
    ["a device", () => "/dev/zero", "image_unreadable", /not a regular file/],
  ])("%s", async (_, path, code, sentence) => {
    const failure = decodeImage(path());
    await expect(failure).rejects.toMatchObject({ name: "VisibleError", code });
    await expect(failure).rejects.toThrow(sentence);
  });

  it("a user's SVG, also while a text is drawn as SVG", async () => {
    const drawing = renderSvg('<svg xmlns="http://www.w3.org/2000/svg" width="900" height="900"></svg>');
    await expect(decodeImage(Buffer.from(svg))).rejects.toMatchObject({ code: "unsupported_image" });
    await drawing;
    await expect(sharp(Buffer.from(svg)).metadata()).rejects.toThrow(/unsupported/);
  });
});
