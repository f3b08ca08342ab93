import { readFile } from "node:fs/promises";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { codePointsOfHeif } from "../../../engine/color/heif-code-points.ts";
import { chromaticities, createIccProfile } from "../../../engine/color/icc-profile.ts";
import { decodeImage } from "../../../engine/images/decode-image.ts";
import { toBytes } from "../../../engine/images/rgb-image.ts";
import { withTransparency } from "../../../engine/images/with-transparency.ts";
import { encodeImage } from "../../../engine/images/write-image.ts";
import { embedInJpeg } from "../../../engine/metadata/embed-jpeg.ts";
import { embedInPng } from "../../../engine/metadata/embed-png.ts";
import { embedInWebp } from "../../../engine/metadata/embed-webp.ts";
import { withFirstCodePoints } from "./heif-properties.ts";
import { drawnImage, pixelOf, plain } from "./stand-ins.ts";

/**
 * Known bugs with uploaded photos: files of phones, cameras and editors, and the colors that viewers show.
 */
const red = { r: 200, g: 30, b: 30 };
const near = (wanted: readonly number[], by = 1) =>
  wanted.map((value) => expect.toSatisfy((found: number) => Math.abs(found - value) <= by));
const centerOf = async (file: Uint8Array) => pixelOf((await decodeImage(file)).image, 1, 1);
const fixture = (name: string) => readFile(new URL(`../../fixtures/${name}`, import.meta.url));

const uint32 = (...values: readonly number[]) => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
};

function chunk(type: string, body: Uint8Array): Buffer {
  const content = Buffer.concat([Buffer.from(type, "latin1"), body]);
  return Buffer.concat([uint32(body.length), content, uint32(crc32(content))]);
}

/** Inserts chunks into a PNG after its header. */
const withChunks = (png: Uint8Array, ...chunks: readonly Buffer[]) =>
  Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]);

function crc32(bytes: Buffer): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}

/** A PNG of a bit depth and color type, with its rows as bytes. */
function rawPng(
  [width, height, depth, colorType]: readonly [number, number, number, number],
  rows: readonly (readonly number[])[],
  ...chunks: readonly Buffer[]
): Buffer {
  const header = Buffer.concat([uint32(width, height), Buffer.from([depth, colorType, 0, 0, 0])]);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    ...chunks,
    chunk("IDAT", deflateSync(Buffer.from(rows.flatMap((row) => [0, ...row])))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Of the linear values: the matrix of CSS Color 4, clipped. */
function srgbOfDisplayP3(stored: readonly number[]): number[] {
  const linear = stored.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const rows = [
    [1.2249, -0.2247, 0],
    [-0.042, 1.0421, 0],
    [-0.0196, -0.0786, 1.0979],
  ];
  return rows.map((row) => {
    const sum = row.reduce((total, factor, index) => total + factor * linear[index]!, 0);
    const part = Math.min(1, Math.max(0, sum));
    return 255 * (part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055);
  });
}

const pngOf = (color: typeof red) => plain(4, 4, color).png().toBuffer();

describe("a PNG's color space, of its chunks", () => {
  const cicp = (primaries: number, transfer: number) =>
    chunk("cICP", Buffer.from([primaries, transfer, 0, 1]));
  const gama = (gamma: number) => chunk("gAMA", uint32(gamma));
  const p3 = chunk("cHRM", uint32(31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000));
  const profile = createIccProfile(chromaticities.displayP3, "srgb");

  // Known values of IEC 61966-2-1 and SMPTE EG 432-1, for (200, 30, 30).
  it.each<[string, readonly Buffer[], readonly number[]]>([
    ["none is sRGB", [], [200, 30, 30]],
    ["sRGB wins over gAMA", [chunk("sRGB", Buffer.from([0])), gama(100_000)], [200, 30, 30]],
    ["gAMA 0.45455 is sRGB", [gama(45_455)], [200, 30, 30]],
    ["gAMA 1 is linear", [gama(100_000)], [229, 96, 96]],
    ["gAMA and cHRM of Display P3", [gama(45_455), p3], [220, 0, 0]],
    ["cHRM that is impossible", [chunk("cHRM", Buffer.alloc(32))], [200, 30, 30]],
    ["cICP Display P3", [cicp(12, 13)], [218, 0, 6]],
    ["cICP wins over gAMA", [cicp(12, 13), gama(100_000)], [218, 0, 6]],
    ["cICP sRGB", [cicp(1, 13)], [200, 30, 30]],
  ])("%s", async (_, chunks, wanted) => {
    expect(await centerOf(withChunks(await pngOf(red), ...chunks))).toEqual(near(wanted, 2));
  });

  it("an ICC profile wins over gAMA", async () => {
    const file = embedInPng(withChunks(await pngOf(red), gama(100_000)), { profile });
    expect(await centerOf(file)).toEqual(near([218, 0, 6], 2));
  });

  it("grayscale is not changed by gAMA", async () => {
    expect(
      await centerOf(
        rawPng(
          [2, 2, 8, 0],
          [
            [90, 90],
            [90, 90],
          ],
          gama(45_455),
        ),
      ),
    ).toEqual([90, 90, 90]);
  });

  it("refuses HDR", async () => {
    const file = withChunks(await pngOf(red), cicp(9, 16));
    await expect(decodeImage(file, "a.png")).rejects.toThrow(
      /^a\.png is an HDR photo \(BT\.2020, PQ or HLG\); export it as an SDR JPEG first\.$/,
    );
  });
});

describe("a PNG's transparency", () => {
  it.each<[string, Buffer, readonly number[]]>([
    [
      "of a palette",
      rawPng(
        [4, 1, 8, 3],
        [[0, 1, 2, 0]],
        chunk("PLTE", Buffer.from([255, 0, 0, 0, 255, 0, 0, 0, 255])),
        chunk("tRNS", Buffer.from([0, 128])),
      ),
      [0, 128, 255, 0],
    ],
    [
      "of a color",
      rawPng([2, 1, 8, 2], [[200, 30, 30, 9, 9, 9]], chunk("tRNS", Buffer.from([0, 200, 0, 30, 0, 30]))),
      [0, 255],
    ],
    ["of a gray", rawPng([2, 1, 8, 0], [[200, 100]], chunk("tRNS", Buffer.from([0, 200]))), [0, 255]],
    ["of gray with alpha", rawPng([2, 1, 8, 4], [[100, 0, 100, 77]]), [0, 77]],
    ["of 16 bits", rawPng([2, 1, 16, 6], [[1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 2, 2, 3, 3, 128, 128]]), [0, 128]],
  ])("%s", async (_, file, wanted) => {
    expect([...(await decodeImage(file)).transparency!.alpha]).toEqual(wanted);
  });

  it("keeps the colors under it", async () => {
    const gray = await decodeImage(rawPng([2, 1, 8, 4], [[100, 0, 100, 77]]));
    expect(pixelOf(gray.transparency!.colors, 0, 0)).toEqual([100, 100, 100]);
  });

  it("of one bit is black and white", async () => {
    const { image } = await decodeImage(rawPng([8, 1, 1, 0], [[0b10110000]]));
    expect([...toBytes(image)].filter((_, index) => index % 3 === 0)).toEqual([255, 0, 255, 255, 0, 0, 0, 0]);
  });
});

describe("a JPEG", () => {
  const drawn = drawnImage(40, 24);
  const jpeg = () =>
    sharp(toBytes(drawn), { raw: { width: 40, height: 24, channels: 3 } }).jpeg({
      quality: 95,
      chromaSubsampling: "4:4:4",
    });
  const worst = (a: Uint8Array, b: Uint8Array) =>
    Math.max(...a.map((value, index) => Math.abs(value - b[index]!)));

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "of EXIF orientation %i is upright, and so is its result",
    async (orientation) => {
      // Rotates the drawing, so that the orientation reverses it.
      const [width, height] = orientation > 4 ? [24, 40] : [40, 24];
      const place = (x: number, y: number): readonly [number, number] => {
        const [right, down] = [width - 1 - x, height - 1 - y];
        return (
          [
            [x, y],
            [right, y],
            [right, down],
            [x, down],
            [y, x],
            [down, x],
            [down, right],
            [y, right],
          ] as const
        )[orientation - 1]!;
      };
      const stored = new Uint8Array(width * height * 3);
      const source = toBytes(drawn);
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const [u, v] = place(x, y);
          stored.set(source.subarray((v * 40 + u) * 3, (v * 40 + u) * 3 + 3), (y * width + x) * 3);
        }
      const file = await sharp(stored, { raw: { width, height, channels: 3 } })
        .withMetadata({ orientation })
        .jpeg({ quality: 100, chromaSubsampling: "4:4:4" })
        .toBuffer();
      const decoded = await decodeImage(file);
      expect([decoded.image.width, decoded.image.height]).toEqual([40, 24]);
      expect(worst(toBytes(decoded.image), source)).toBeLessThan(12);
      const again = await decodeImage(
        await encodeImage(decoded.image, "jpeg", withTransparency(decoded, decoded.image)),
      );
      expect(again.hadOrientation).toBe(false);
      expect(worst(toBytes(again.image), source)).toBeLessThan(20);
    },
  );

  it("of Adobe RGB that only Exif names (DCF option file)", async () => {
    // IFD0 → Exif IFD (ColorSpace 65535, interoperability) → index R03.
    const entry = (tag: number, type: number, count: number, value: Buffer) =>
      Buffer.concat([Buffer.from([tag >> 8, tag & 255, 0, type]), uint32(count), value]);
    const directory = (...entries: readonly Buffer[]) =>
      Buffer.concat([Buffer.from([0, entries.length]), ...entries, Buffer.alloc(4)]);
    const exif = Buffer.concat([
      Buffer.from("MM\0*\0\0\0\x08", "latin1"),
      directory(entry(0x8769, 4, 1, uint32(26))),
      directory(entry(0xa001, 3, 1, Buffer.from([255, 255, 0, 0])), entry(0xa005, 4, 1, uint32(56))),
      directory(entry(1, 2, 4, Buffer.from("R03\0"))),
    ]);
    const file = embedInJpeg(await plain(16, 16, red).jpeg({ quality: 100 }).toBuffer(), { exif });
    expect(await centerOf(file)).toEqual(near([233, 24, 24], 3));
    const { metadata, image } = await decodeImage(file);
    const result = await encodeImage(image, "jpeg", { metadata: metadata!, quality: 100 });
    expect(await centerOf(result)).toEqual(near([233, 24, 24], 4));
  });

  it("of CMYK as Adobe writes it, inverted", async () => {
    const cmyk = await plain(16, 16, red).toColourspace("cmyk").jpeg({ quality: 100 }).toBuffer();
    expect(cmyk.indexOf("Adobe")).toBeGreaterThan(0);
    expect(await centerOf(cmyk)).toEqual(near([200, 20, 20], 25));
  });

  it("of a portrait in Display P3 is upright, and in sRGB", async () => {
    // (200, 30, 30) of sRGB is (184, 50, 42) of Display P3.
    const file = await plain(32, 16, red).withMetadata({ orientation: 6, icc: "p3" }).jpeg().toBuffer();
    const stored = await sharp(file, { ignoreIcc: true }).raw().toBuffer();
    expect([...stored.subarray(0, 3)]).toEqual(near([184, 50, 42], 3));
    const { image } = await decodeImage(file);
    expect([image.width, image.height]).toEqual([16, 32]);
    expect(pixelOf(image, 8, 8)).toEqual(near([200, 30, 30], 4));
  });

  it("with an appended video (motion photo), which is dropped", async () => {
    const xmp = Buffer.from(
      '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1"/></rdf:RDF></x:xmpmeta>',
    );
    const video = Buffer.concat([uint32(24), Buffer.from("ftypmp42\0\0\0\0isommp42"), Buffer.alloc(9000, 7)]);
    const file = Buffer.concat([embedInJpeg(await jpeg().toBuffer(), { xmp }), video]);
    const decoded = await decodeImage(file);
    expect(worst(toBytes(decoded.image), toBytes(drawn))).toBeLessThan(12);
    const result = await encodeImage(decoded.image, "jpeg", withTransparency(decoded, decoded.image));
    expect(result.toString("latin1")).not.toMatch(/MotionPhoto|ftyp/);
  });

  it("with an appended gain map or depth map (Ultra HDR, MPO) is read as its main image, without a mark of HDR", async () => {
    const xmp = Buffer.from(
      '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/></rdf:RDF></x:xmpmeta>',
    );
    const gainMap = await plain(10, 6, { r: 255, g: 255, b: 255 }).jpeg().toBuffer();
    const decoded = await decodeImage(
      Buffer.concat([embedInJpeg(await jpeg().toBuffer(), { xmp }), gainMap]),
    );
    expect(worst(toBytes(decoded.image), toBytes(drawn))).toBeLessThan(12);
    const result = await encodeImage(decoded.image, "jpeg", withTransparency(decoded, decoded.image));
    expect(result.toString("latin1")).not.toMatch(/hdrgm/);
  });

  it("that is truncated is refused, even a progressive one whose first scans are complete", async () => {
    const file = await jpeg().jpeg({ progressive: true, quality: 95 }).toBuffer();
    await expect(decodeImage(file.subarray(0, Math.floor(file.length * 0.6)))).rejects.toMatchObject({
      code: "damaged_image",
    });
  });
});

describe("a WebP", () => {
  it("with profile, alpha and orientation", async () => {
    const profile = createIccProfile(chromaticities.displayP3, "srgb");
    const pixels = Buffer.from([200, 30, 30, 255, 30, 160, 30, 128]);
    const webp = await sharp(pixels, { raw: { width: 2, height: 1, channels: 4 } })
      .webp({ lossless: true })
      .toBuffer();
    const exif = (
      await sharp(await plain(1, 1, red).withMetadata({ orientation: 6 }).jpeg().toBuffer()).metadata()
    ).exif!;
    const { image, transparency } = await decodeImage(
      embedInWebp(webp, { profile, exif }, { width: 2, height: 1 }),
    );
    expect([image.width, image.height]).toEqual([1, 2]);
    expect(pixelOf(image, 0, 0)).toEqual(near([218, 0, 6], 2));
    expect([...transparency!.alpha]).toEqual([255, 128]);
  });
});

describe("an AVIF's color space, of its code points", () => {
  async function withCodePoints(primaries: number, transfer: number): Promise<Buffer> {
    const file = await plain(64, 64, red).avif({ lossless: true }).toBuffer();
    const at = file.indexOf("colrnclx");
    expect(at).toBeGreaterThan(0);
    file.writeUInt16BE(primaries, at + 8);
    file.writeUInt16BE(transfer, at + 10);
    return file;
  }
  it("Display P3", async () => {
    expect(await centerOf(await withCodePoints(12, 13))).toEqual(near([218, 0, 6], 4));
  });
  it("refuses HDR", async () => {
    await expect(decodeImage(await withCodePoints(9, 16))).rejects.toThrow(/HDR/);
  });
});

describe("a HEIC", () => {
  it("rotated by a box and by Exif is rotated once", async () => {
    const { image } = await decodeImage(await fixture("photos/phone.heic"));
    expect([image.width, image.height]).toEqual([32, 48]);
    expect(pixelOf(image, 28, 3)).toEqual(near([30, 30, 200], 4));
  });

  it.each([
    ["8 bits", "iphone"],
    ["10 bits, with an HDR alternative", "iphone-ten-bits"],
  ])(
    "of %s in an iPhone's layout: its tiles, upright, in sRGB, nothing of its other images",
    async (_, name) => {
      const { image, metadata, transparency } = await decodeImage(await fixture(`heic/${name}.heic`));
      expect([image.width, image.height, transparency]).toEqual([840, 1120, undefined]);
      // Patches of 140 pixels, many of which are on two or four tiles, rotated clockwise by 90°.
      for (let column = 0; column < 8; column++)
        for (let row = 0; row < 6; row++) {
          const stored = [60 + 18 * column, 70 + 22 * row, 190 - 14 * column] as const;
          const found = pixelOf(image, 140 * (5 - row) + 70, 140 * column + 70);
          expect(found, `patch ${column}, ${row}`).toEqual(near(srgbOfDisplayP3(stored), 6));
        }
      // Neither black nor shifted where tiles meet: rows 512 of 840, columns 512 and 1024 of 1120.
      for (const [x, y] of [
        [840 - 512, 70],
        [839 - 512, 70],
        [770, 511],
        [770, 512],
        [770, 1023],
        [770, 1024],
      ] as const) {
        const [column, row] = [Math.floor(y / 140), Math.floor((839 - x) / 140)];
        const stored = [60 + 18 * column, 70 + 22 * row, 190 - 14 * column] as const;
        expect(pixelOf(image, x, y), `${x}, ${y}`).toEqual(near(srgbOfDisplayP3(stored), 10));
      }
      // The XMP describes the gain map, not the photo.
      expect(metadata?.xmp).toBeUndefined();
      const result = await encodeImage(image, "jpeg", { metadata: metadata! });
      expect(await sharp(result).metadata()).toMatchObject({ width: 840, height: 1120 });
      const text = result.toString("latin1");
      expect(text).toContain("2026:05:06 07:08:09");
      expect(text).not.toMatch(/gain map|urn:|Apple iOS/i);
    },
  );

  it("of several images: the primary one, which is the second", async () => {
    const { image } = await decodeImage(await fixture("heic/second.heic"));
    expect([image.width, image.height]).toEqual([48, 32]);
    expect(pixelOf(image, 3, 28)).toEqual(near([200, 30, 30], 4));
  });

  // (200, 30, 30) of Display P3 is (218, 0, 9) of sRGB.
  it.each<[string, readonly [number, number], readonly [number, number], readonly number[]]>([
    ["the alpha image's Display P3", [12, 13], [1, 13], [200, 30, 30]],
    ["the alpha image's HDR", [9, 16], [1, 13], [200, 30, 30]],
    ["the alpha image's sRGB", [1, 13], [12, 13], [218, 0, 9]],
  ])("has its own color space, not %s, which comes first", async (_, ofAlpha, own, wanted) => {
    const file = await fixture("heic/alpha.heic");
    const at = file.indexOf("colrnclx", 0, "latin1");
    for (const [index, point] of own.entries()) file.writeUInt16BE(point, at + 8 + 2 * index);
    const { transparency } = await decodeImage(withFirstCodePoints(file, ofAlpha, [2]));
    expect(pixelOf(transparency!.colors, 3, 28)).toEqual(near(wanted, 4));
  });

  it("whose properties are damaged has a color space or none", async () => {
    const file = await fixture("heic/alpha.heic");
    for (let at = 0; at < 648; at++) {
      expect(() => codePointsOfHeif(file.subarray(0, at))).not.toThrow();
      for (const value of [0, 1, 255]) {
        const damaged = Buffer.from(file);
        damaged[at] = value;
        expect(() => codePointsOfHeif(damaged)).not.toThrow();
      }
    }
    expect(codePointsOfHeif(file)).toEqual({ primaries: 1, transfer: 13 });
  });

  it("of tiles has the tiles' color space if it names none", async () => {
    const file = await fixture("heic/iphone.heic");
    // Another type hides the profile.
    file.write("skip", file.indexOf("colrprof", 0, "latin1"), "latin1");
    for (const [primaries, color] of [
      [12, srgbOfDisplayP3],
      [1, (stored: readonly number[]) => [...stored]],
    ] as const) {
      const { image } = await decodeImage(withFirstCodePoints(file, [primaries, 13], [1, 2, 3, 4, 5, 6]));
      expect(pixelOf(image, 70, 70)).toEqual(near(color([60, 70 + 22 * 5, 190]), 6));
    }
  });

  it("with an alpha image", async () => {
    const { transparency } = await decodeImage(await fixture("heic/alpha.heic"));
    expect(transparency!.alpha[100]).toBe(128);
    expect(pixelOf(transparency!.colors, 3, 28)).toEqual(near([200, 30, 30], 4));
  });
});
