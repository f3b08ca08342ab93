/** Bytes per value of each TIFF field type (TIFF 6.0, Exif 3.0 for 129). */
const typeSizes: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  10: 8,
  11: 4,
  12: 8,
  129: 1,
};

const [short, long] = [3, 4];
const [exifPointer, gpsPointer, interoperabilityPointer, colorSpace] = [0x8769, 0x8825, 0xa005, 0xa001];

/**
 * Fields of the first directory that describe the photo: document name, description, make, model, resolution,
 * software, date, artist, host, rating, copyright, and Windows' title, comment, author, keywords and subject.
 */
const mainTags = new Set([
  ...[0x010d, 0x010e, 0x010f, 0x0110, 0x011a, 0x011b, 0x0128, 0x0131, 0x0132, 0x013b, 0x013c],
  ...[0x4746, 0x4749, 0x8298, 0x9c9b, 0x9c9c, 0x9c9d, 0x9c9e, 0x9c9f],
]);

/**
 * Fields of the Exif directory that are wrong for a result: compression, subject coordinates, maker note,
 * dimensions and interoperability.
 */
const outdatedTags = new Set([0x9101, 0x9102, 0x9214, 0x927c, 0xa002, 0xa003, 0xa005, 0xa214]);

const isPhotoTag = (tag: number): boolean => tag >= 0x829a && tag <= 0xa4ff && !outdatedTags.has(tag);

/** More does not fit into a JPEG's segment, and fields that share a value could multiply a file's size. */
const maxBytes = 2 ** 16 - 64;

interface Field {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  readonly value: Uint8Array;
}

interface Tiff {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly little: boolean;
}

/**
 * Exif with the descriptive fields only, in the same byte order; without the GPS directory unless `place`.
 *
 * @returns a TIFF structure without prefix; undefined if nothing remains, it would have more than 64 kB or it
 * cannot be parsed
 */
export function filterExif(
  exif: Uint8Array,
  { place, isSrgb }: { readonly place: boolean; readonly isSrgb: boolean },
): Uint8Array | undefined {
  try {
    const tiff = openTiff(exif);
    const main = readDirectory(tiff, tiff.view.getUint32(4, tiff.little));
    const sub = (pointer: number) => {
      const field = main.find(({ tag, type }) => tag === pointer && type === long);
      return field ? readDirectory(tiff, readLong(field, tiff.little)) : [];
    };
    const photo = sub(exifPointer)
      .filter(({ tag }) => isPhotoTag(tag))
      .map((field) => (field.tag === colorSpace ? colorSpaceField(isSrgb, tiff.little) : field));
    const described = main.filter(({ tag }) => mainTags.has(tag));
    const gps = place ? sub(gpsPointer) : [];
    const all = [...described, ...photo, ...gps];
    if (all.length === 0 || 12 * all.length + valueBytes(all) > maxBytes) return undefined;
    return writeTiff(tiff.little, described, [
      [exifPointer, photo],
      [gpsPointer, gps],
    ]);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Returns true if a camera marked the photo as Adobe RGB, by the interoperability index R03 (DCF 2.0). */
export function isAdobeRgb(exif: Uint8Array): boolean {
  try {
    const tiff = openTiff(exif);
    let fields = readDirectory(tiff, tiff.view.getUint32(4, tiff.little));
    for (const pointer of [exifPointer, interoperabilityPointer]) {
      const field = fields.find(({ tag, type }) => tag === pointer && type === long);
      if (!field) return false;
      fields = readDirectory(tiff, readLong(field, tiff.little));
    }
    const index = fields.find(({ tag }) => tag === 1);
    return index !== undefined && String.fromCharCode(...index.value.subarray(0, 3)) === "R03";
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** 1 is sRGB, 65535 is any other color space. */
function colorSpaceField(isSrgb: boolean, little: boolean): Field {
  const value = new Uint8Array(2);
  new DataView(value.buffer).setUint16(0, isSrgb ? 1 : 0xffff, little);
  return { tag: colorSpace, type: short, count: 1, value };
}

const readLong = ({ value }: Field, little: boolean): number =>
  new DataView(value.buffer, value.byteOffset, value.byteLength).getUint32(0, little);

/** @throws RangeError if it is not a TIFF structure */
function openTiff(exif: Uint8Array): Tiff {
  const prefixed = exif[0] === 0x45 && exif[4] === 0;
  const bytes = prefixed ? exif.subarray(6) : exif;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const order = view.getUint16(0);
  const little = order === 0x4949;
  if ((!little && order !== 0x4d4d) || view.getUint16(2, little) !== 42) throw new RangeError("not a TIFF");
  return { bytes, view, little };
}

/** Fields of unknown types are omitted. @throws RangeError if it lies outside the file */
function readDirectory({ bytes, view, little }: Tiff, at: number): Field[] {
  const fields: Field[] = [];
  const entries = view.getUint16(at, little);
  for (let entry = 0; entry < entries; entry++) {
    const start = at + 2 + 12 * entry;
    const [tag, type] = [view.getUint16(start, little), view.getUint16(start + 2, little)];
    const count = view.getUint32(start + 4, little);
    const size = typeSizes[type];
    if (size === undefined) continue;
    const from = count * size <= 4 ? start + 8 : view.getUint32(start + 8, little);
    if (from + count * size > bytes.length) throw new RangeError(`tag ${tag} lies outside the file`);
    fields.push({ tag, type, count, value: bytes.subarray(from, from + count * size) });
  }
  return fields;
}

const valueBytes = (fields: readonly Field[]): number =>
  fields.reduce((sum, { value }) => sum + (value.length > 4 ? value.length + (value.length % 2) : 0), 0);

/** A TIFF structure of one directory with the nonempty ones of `subs` behind their pointers. */
function writeTiff(
  little: boolean,
  main: readonly Field[],
  subs: readonly (readonly [pointer: number, fields: readonly Field[]])[],
): Uint8Array {
  const used = subs.filter(([, fields]) => fields.length > 0);
  const sizeOf = (fields: readonly Field[], pointers = 0) =>
    6 + 12 * (fields.length + pointers) + valueBytes(fields);
  const pointers: Field[] = [];
  let next = 8 + sizeOf(main, used.length);
  const places = used.map(([tag, fields]) => {
    const at = next;
    next += sizeOf(fields);
    const value = new Uint8Array(4);
    new DataView(value.buffer).setUint32(0, at, little);
    pointers.push({ tag, type: long, count: 1, value });
    return { at, fields };
  });
  const bytes = new Uint8Array(next);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, little ? 0x4949 : 0x4d4d);
  view.setUint16(2, 42, little);
  view.setUint32(4, 8, little);
  const write = (at: number, unsorted: readonly Field[]) => {
    const fields = [...unsorted].sort((a, b) => a.tag - b.tag);
    let free = at + 6 + 12 * fields.length;
    view.setUint16(at, fields.length, little);
    for (const [index, { tag, type, count, value }] of fields.entries()) {
      const start = at + 2 + 12 * index;
      view.setUint16(start, tag, little);
      view.setUint16(start + 2, type, little);
      view.setUint32(start + 4, count, little);
      if (value.length > 4) {
        view.setUint32(start + 8, free, little);
        bytes.set(value, free);
        free += value.length + (value.length % 2);
      } else bytes.set(value, start + 8);
    }
  };
  write(8, [...main, ...pointers]);
  for (const { at, fields } of places) write(at, fields);
  return bytes;
}
