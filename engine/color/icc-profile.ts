import {
  invert,
  multiply,
  parametricCurve,
  type RgbProfile,
  sampledCurve,
  type TransferCurve,
} from "./rgb-profile.ts";

const tagTable = 128;
const fixed = 65536;

/**
 * Reads an ICC profile of the kind matrix/TRC (ICC.1:2022, 8.3.3 and 10.6, 10.18).
 *
 * @returns undefined for any other kind (CMYK, gray, lookup tables) and for a damaged profile
 */
export function parseIccProfile(icc: Uint8Array): RgbProfile | undefined {
  const file = Buffer.from(icc.buffer, icc.byteOffset, icc.byteLength);
  try {
    if (file.toString("latin1", 16, 24) !== "RGB XYZ ") return undefined;
    const tags = new Map<string, Buffer>();
    for (let entry = 0; entry < Math.min(100, file.readUInt32BE(tagTable)); entry++) {
      const at = tagTable + 4 + 12 * entry;
      const start = file.readUInt32BE(at + 4);
      tags.set(file.toString("latin1", at, at + 4), file.subarray(start, start + file.readUInt32BE(at + 8)));
    }
    // Lookup tables take precedence over the matrix.
    if (tags.has("A2B0")) return undefined;
    const columns = ["rXYZ", "gXYZ", "bXYZ"].map((name) => {
      const tag = tags.get(name) ?? Buffer.alloc(0);
      return [8, 12, 16].map((at) => tag.readInt32BE(at) / fixed);
    });
    const toXyz = [0, 1, 2].flatMap((row) => columns.map((column) => column[row]!));
    const [red, green, blue] = ["rTRC", "gTRC", "bTRC"].map((name) => readCurve(tags.get(name)));
    return red && green && blue ? { toXyz, curves: [red, green, blue] } : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Numbers of parameters by function type of a parametric curve. */
const parameterCounts = [1, 3, 4, 5, 7];

function readCurve(tag: Buffer | undefined): TransferCurve | undefined {
  if (!tag) return undefined;
  const kind = tag.toString("latin1", 0, 4);
  if (kind === "curv") {
    const count = tag.readUInt32BE(8);
    if (count === 0) return parametricCurve(1);
    if (count === 1) return parametricCurve(tag.readUInt16BE(12) / 256);
    if (count > 65_536) return undefined;
    return sampledCurve(Array.from({ length: count }, (_, at) => tag.readUInt16BE(12 + 2 * at) / 65535));
  }
  if (kind !== "para") return undefined;
  const type = tag.readUInt16BE(8);
  const count = parameterCounts[type];
  if (count === undefined) return undefined;
  const values = Array.from({ length: count }, (_, at) => tag.readInt32BE(12 + 4 * at) / fixed);
  const [g, a = 1, b = 0, third = 0, d = 0, c = 0, f = 0] = values;
  if (type === 0) return parametricCurve(g!);
  // Types 1 and 2 are zero, or the offset c, below −b/a.
  if (type === 1) return parametricCurve(g!, a, b, 0, -b / a);
  if (type === 2) return parametricCurve(g!, a, b, 0, -b / a, third, third);
  return parametricCurve(g!, a, b, third, d, c, f);
}

/** CIE xy of red, green, blue and white. */
export type Chromaticities = readonly [red: Xy, green: Xy, blue: Xy, white: Xy];
type Xy = readonly [x: number, y: number];

const d65: Xy = [0.3127, 0.329];
export const chromaticities = {
  srgb: [[0.64, 0.33], [0.3, 0.6], [0.15, 0.06], d65],
  displayP3: [[0.68, 0.32], [0.265, 0.69], [0.15, 0.06], d65],
  adobeRgb: [[0.64, 0.33], [0.21, 0.71], [0.15, 0.06], d65],
} as const satisfies Readonly<Record<string, Chromaticities>>;

/** D50, the white of ICC profiles, as XYZ. */
const d50 = [0.9642, 1, 0.8249];
/** Bradford's cone responses of XYZ. */
const bradford = [0.8951, 0.2664, -0.1614, -0.7502, 1.7135, 0.0367, 0.0389, -0.0685, 1.0296];

const xyzOf = ([x, y]: Xy): number[] => [x / y, 1, (1 - x - y) / y];
const apply = (m: readonly number[], [x, y, z]: readonly number[]): number[] =>
  [0, 3, 6].map((row) => m[row]! * x! + m[row + 1]! * y! + m[row + 2]! * z!);
const diagonal = ([x, y, z]: readonly number[]): number[] => [x!, 0, 0, 0, y!, 0, 0, 0, z!];

/** Linear RGB to XYZ, adapted to D50 by Bradford's transform. */
function matrixOf([red, green, blue, white]: Chromaticities): number[] {
  const columns = [red, green, blue].map(xyzOf);
  const primaries = [0, 1, 2].flatMap((row) => columns.map((column) => column[row]!));
  const scaled = multiply(primaries, diagonal(apply(invert(primaries), xyzOf(white))));
  const [from, to] = [apply(bradford, xyzOf(white)), apply(bradford, d50)];
  const adapt = multiply(
    invert(bradford),
    multiply(diagonal(to.map((value, at) => value / from[at]!)), bradford),
  );
  return multiply(adapt, scaled);
}

/** An ICC v4 profile of the kind matrix/TRC. `gamma` is an exponent, or sRGB's curve. */
export function createIccProfile(primaries: Chromaticities, gamma: number | "srgb"): Buffer {
  const number = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(Math.round(value * fixed));
    return bytes;
  };
  const typed = (type: string, ...parts: readonly Buffer[]) =>
    Buffer.concat([Buffer.from(type, "latin1"), Buffer.alloc(4), ...parts]);
  const text = (value: string) => {
    const utf16 = Buffer.from(value, "utf16le").swap16();
    // One record of 12 bytes; its text starts at byte 28 of the tag.
    const head = Buffer.alloc(20);
    head.writeUInt32BE(1, 0);
    head.writeUInt32BE(12, 4);
    head.write("enUS", 8, "latin1");
    head.writeUInt32BE(utf16.length, 12);
    head.writeUInt32BE(28, 16);
    return typed("mluc", head, utf16, Buffer.alloc((4 - (utf16.length % 4)) % 4));
  };
  const curve =
    gamma === "srgb"
      ? typed(
          "para",
          Buffer.from([0, 3, 0, 0]),
          ...[2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045].map(number),
        )
      : typed("para", Buffer.from([0, 0, 0, 0]), number(gamma));
  const m = matrixOf(primaries);
  const column = (at: number) => typed("XYZ ", ...[m[at]!, m[at + 3]!, m[at + 6]!].map(number));
  const tags: readonly (readonly [string, Buffer])[] = [
    ["desc", text("RGB")],
    ["cprt", text("CC0")],
    ["wtpt", typed("XYZ ", ...d50.map(number))],
    ["rXYZ", column(0)],
    ["gXYZ", column(1)],
    ["bXYZ", column(2)],
    ["rTRC", curve],
    ["gTRC", curve],
    ["bTRC", curve],
  ];
  const table = Buffer.alloc(4 + 12 * tags.length);
  table.writeUInt32BE(tags.length);
  let next = tagTable + table.length;
  for (const [index, [name, tag]] of tags.entries()) {
    table.write(name, 4 + 12 * index, "latin1");
    table.writeUInt32BE(next, 8 + 12 * index);
    table.writeUInt32BE(tag.length, 12 + 12 * index);
    next += tag.length;
  }
  const header = Buffer.alloc(tagTable);
  header.writeUInt32BE(next);
  header.writeUInt32BE(0x04300000, 8);
  header.write("mntrRGB XYZ ", 12, "latin1");
  header.write("acsp", 36, "latin1");
  Buffer.concat(d50.map(number)).copy(header, 68);
  return Buffer.concat([header, table, ...tags.map(([, tag]) => tag)]);
}
