import { type Chromaticities, chromaticities, createIccProfile } from "./icc-profile.ts";

/** Code points of ITU-T H.273. */
const [bt2020, displayP3, pq, hlg] = [9, 12, 16, 18];

/** The color space of a file that has no ICC profile. */
export type AssignedSpace = { readonly icc: Uint8Array } | "hdr" | undefined;

/**
 * For the code points of AVIF, HEIC and PNG. Undefined for sRGB and for code points that are not supported.
 */
export function spaceOfCodePoints(primaries: number, transfer: number): AssignedSpace {
  if (transfer === pq || transfer === hlg || primaries === bt2020) return "hdr";
  if (primaries !== displayP3) return undefined;
  return { icc: createIccProfile(chromaticities.displayP3, "srgb") };
}

/** 1/2.2 in hundred-thousandths, which PNG files use for sRGB's curve. */
const srgbGamma = 45_455;

const [grayscale, grayscaleWithAlpha] = [0, 4];

/**
 * The color space of a PNG's chunks, by precedence: cICP, iCCP (which the decoder reads), sRGB, gAMA and cHRM
 * (PNG third edition, 4.3). Undefined if the decoder reads it or it is sRGB.
 */
export function spaceOfPng(png: Uint8Array): AssignedSpace {
  const chunks = chunksOf(png);
  const codePoints = chunks.get("cICP");
  const coded = codePoints && spaceOfCodePoints(codePoints[0] ?? 0, codePoints[1] ?? 0);
  if (coded === "hdr") return coded;
  const colorType = chunks.get("IHDR")?.[9];
  if (chunks.has("iCCP") || colorType === grayscale || colorType === grayscaleWithAlpha) return undefined;
  if (codePoints || chunks.has("sRGB")) return coded;
  const stored = chunks.get("gAMA");
  const gamma = stored?.length === 4 ? stored.readUInt32BE(0) : srgbGamma;
  const primaries = chromaticitiesOf(chunks.get("cHRM"));
  const isSrgb = isNear(primaries, chromaticities.srgb) && Math.abs(gamma - srgbGamma) < 500;
  if (isSrgb || gamma < 10_000 || gamma > 500_000) return undefined;
  return { icc: createIccProfile(primaries, 100_000 / gamma) };
}

/** The chunks before the image data. */
function chunksOf(png: Uint8Array): Map<string, Buffer> {
  const file = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at + 12 <= file.length; ) {
    const [length, type] = [file.readUInt32BE(at), file.toString("latin1", at + 4, at + 8)];
    if (type === "IDAT") break;
    chunks.set(type, file.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  return chunks;
}

/** cHRM: white, red, green, blue, in hundred-thousandths. sRGB's if it is absent or impossible. */
function chromaticitiesOf(chunk: Buffer | undefined): Chromaticities {
  if (chunk?.length !== 32) return chromaticities.srgb;
  const xy = (at: number) => [chunk.readUInt32BE(at) / 1e5, chunk.readUInt32BE(at + 4) / 1e5] as const;
  const found = [xy(8), xy(16), xy(24), xy(0)] as const;
  const [[rx, ry], [gx, gy], [bx, by]] = found;
  const area = Math.abs((gx - rx) * (by - ry) - (bx - rx) * (gy - ry));
  return area > 0.01 && found.every(([x, y]) => x < 1 && y > 0 && y < 1) ? found : chromaticities.srgb;
}

const isNear = (a: Chromaticities, b: Chromaticities): boolean =>
  a.flat().every((value, at) => Math.abs(value - b.flat()[at]!) < 0.005);
