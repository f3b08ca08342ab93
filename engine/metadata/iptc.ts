/** IPTC IIM 4.2: data sets of a marker, record, number, length and value. */
interface DataSet {
  readonly record: number;
  readonly number: number;
  readonly value: Uint8Array;
}

/** Numbers of record 2 that name a location: content location, city, sublocation, province, country. */
const placeNumbers = new Set([26, 27, 90, 92, 95, 100, 101]);
/** Numbers of record 2 from here on are previews and audio. */
const firstPreview = 150;

const photoshopHeader = "Photoshop 3.0\0";
const iptcResource = 0x0404;

/**
 * The descriptive data sets, without the location unless `place`, as the content of a JPEG's APP13 segment.
 *
 * @returns undefined if nothing remains or it cannot be parsed
 */
export function filterIptc(iptc: Uint8Array, place: boolean): Uint8Array | undefined {
  const kept = readDataSets(iptc).filter(({ record, number }) => isKept(record, number, place));
  if (!kept.some(({ record }) => record === 2)) return undefined;
  const data = Buffer.concat(
    kept.map(({ record, number, value }) =>
      Buffer.from([0x1c, record, number, value.length >> 8, value.length & 0xff, ...value]),
    ),
  );
  const size = Buffer.alloc(4);
  size.writeUInt32BE(data.length);
  const resource = Buffer.from([0x38, 0x42, 0x49, 0x4d, iptcResource >> 8, iptcResource & 0xff, 0, 0]);
  const padding = Buffer.alloc(data.length % 2);
  return Buffer.concat([Buffer.from(photoshopHeader, "latin1"), resource, size, data, padding]);
}

/** Of record 1, only the character set is kept. */
const isKept = (record: number, number: number, place: boolean): boolean =>
  record === 1
    ? number === 90
    : record === 2 && number < firstPreview && (place || !placeNumbers.has(number));

/** The data sets of records 1 and 2; none if it cannot be parsed. */
export function readDataSets(iptc: Uint8Array): DataSet[] {
  const bytes = iptcOf(Buffer.from(iptc.buffer, iptc.byteOffset, iptc.byteLength));
  const sets: DataSet[] = [];
  for (let at = 0; at + 5 <= bytes.length && bytes[at] === 0x1c; ) {
    const [record, number, length] = [bytes[at + 1]!, bytes[at + 2]!, bytes.readUInt16BE(at + 3)];
    // The highest bit marks an extended length, which only previews need.
    if (length > 0x7fff || at + 5 + length > bytes.length) break;
    sets.push({ record, number, value: bytes.subarray(at + 5, at + 5 + length) });
    at += 5 + length;
  }
  return sets;
}

/** The IPTC resource of a Photoshop image resource block; any other bytes unchanged. */
function iptcOf(bytes: Buffer): Buffer {
  if (bytes.toString("latin1", 0, photoshopHeader.length) !== photoshopHeader) return bytes;
  for (let at = photoshopHeader.length; at + 12 <= bytes.length; ) {
    if (bytes.toString("latin1", at, at + 4) !== "8BIM") break;
    const id = bytes.readUInt16BE(at + 4);
    const name = 1 + bytes[at + 6]!;
    const start = at + 6 + name + (name % 2);
    if (start + 4 > bytes.length) break;
    const length = bytes.readUInt32BE(start);
    if (id === iptcResource) return bytes.subarray(start + 4, start + 4 + length);
    at = start + 4 + length + (length % 2);
  }
  return Buffer.alloc(0);
}

/** Decodes a value: UTF-8 if it is valid UTF-8, else Latin-1. */
export function iptcText(value: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(value);
  } catch {
    return new TextDecoder("latin1").decode(value);
  }
}
