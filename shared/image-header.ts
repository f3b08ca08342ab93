import type { imageTypes } from "./resources/upload.ts";

interface ImageHeader {
  readonly type: (typeof imageTypes)[number];
  /** Pixels as stored, before EXIF orientation. */
  readonly width: number;
  readonly height: number;
}

/**
 * Reads the type and size of an image file from its header without decoding it. Returns undefined if it is
 * not a JPEG, PNG, WebP, AVIF, HEIC or TIFF file, or is truncated before its size.
 */
export function readImageHeader(bytes: Uint8Array): ImageHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    for (const read of [readPng, readJpeg, readWebp, readHeif, readTiff]) {
      const header = read(view);
      if (header && header.width > 0 && header.height > 0) return header;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

const tag = (view: DataView, at: number): string =>
  String.fromCharCode(...[0, 1, 2, 3].map((offset) => view.getUint8(at + offset)));

function readPng(view: DataView): ImageHeader | undefined {
  if (view.getUint32(0) !== 0x89504e47 || view.getUint32(4) !== 0x0d0a1a0a || tag(view, 12) !== "IHDR")
    return undefined;
  return { type: "image/png", width: view.getUint32(16), height: view.getUint32(20) };
}

/** Walks the segments to the frame header (SOF0 … SOF15 without the tables DHT, JPG and DAC). */
function readJpeg(view: DataView): ImageHeader | undefined {
  if (view.getUint16(0) !== 0xffd8) return undefined;
  for (let at = 2; ; ) {
    while (view.getUint8(at) === 0xff && view.getUint8(at + 1) === 0xff) at++;
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return { type: "image/jpeg", height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    at += 2 + view.getUint16(at + 2);
  }
}

function readWebp(view: DataView): ImageHeader | undefined {
  if (tag(view, 0) !== "RIFF" || tag(view, 8) !== "WEBP") return undefined;
  const uint24 = (at: number) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  const type = "image/webp";
  switch (tag(view, 12)) {
    case "VP8 ":
      return { type, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
    case "VP8L": {
      const bits = view.getUint32(21, true);
      return { type, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case "VP8X":
      return { type, width: uint24(24) + 1, height: uint24(27) + 1 };
    default:
      return undefined;
  }
}

/** The largest `ispe` (image spatial extents) property: smaller ones are tiles and thumbnails. */
function readHeif(view: DataView): ImageHeader | undefined {
  if (tag(view, 4) !== "ftyp") return undefined;
  const brands = Array.from({ length: Math.min(32, Math.floor(view.getUint32(0) / 4)) - 2 }, (_, index) =>
    tag(view, 8 + 4 * index),
  );
  const type = brands.some((brand) => /^avi[fs]$/.test(brand))
    ? "image/avif"
    : brands.some((brand) => /^he(ic|ix|vc|vx|im|is)$/.test(brand))
      ? "image/heic"
      : undefined;
  if (!type) return undefined;
  let largest: ImageHeader | undefined;
  for (let at = 8; at + 16 <= Math.min(view.byteLength, 16_384); at++) {
    if (view.getUint32(at) !== 0x69737065) continue;
    const [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
    if (!largest || width * height > largest.width * largest.height) largest = { type, width, height };
  }
  return largest;
}

/** The first directory's ImageWidth and ImageLength (TIFF 6.0): later ones are thumbnails and layers. */
function readTiff(view: DataView): ImageHeader | undefined {
  const order = view.getUint32(0);
  if (order !== 0x49492a00 && order !== 0x4d4d002a) return undefined;
  const little = order === 0x49492a00;
  const directory = view.getUint32(4, little);
  const sides = new Map<number, number>();
  for (let entry = 0; entry < view.getUint16(directory, little); entry++) {
    const at = directory + 2 + 12 * entry;
    const [tag, kind] = [view.getUint16(at, little), view.getUint16(at + 2, little)];
    if (tag !== 256 && tag !== 257) continue;
    sides.set(tag, kind === 3 ? view.getUint16(at + 8, little) : view.getUint32(at + 8, little));
  }
  const [width, height] = [sides.get(256), sides.get(257)];
  return width && height ? { type: "image/tiff", width, height } : undefined;
}
