/**
 * Reads the color code points of a HEIC or AVIF file's primary image. Other images of the file (thumbnails, a
 * gain map, depth, alpha, an HDR alternative) have their own code points. Boxes are those of ISO/IEC 14496-12
 * and 23008-12.
 */

/** Code points of ITU-T H.273. */
interface CodePoints {
  readonly primaries: number;
  readonly transfer: number;
}

interface Box {
  readonly type: string;
  /** Range of its content. */
  readonly from: number;
  readonly to: number;
}

/** Undefined if the primary image has none, or the file is damaged. */
export function codePointsOfHeif(bytes: Uint8Array): CodePoints | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return ofPrimary(view);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function ofPrimary(view: DataView): CodePoints | undefined {
  const meta = boxes(view, { from: 0, to: view.byteLength }).find(({ type }) => type === "meta");
  if (!meta) return undefined;
  const inside = boxes(view, afterVersion(meta));
  const child = (parent: readonly Box[], type: string) => parent.find((box) => box.type === type);
  const primary = child(inside, "pitm");
  const container = child(inside, "iprp");
  if (!primary || !container) return undefined;
  const item = idAt(view, primary.from + 4, view.getUint8(primary.from) > 0);
  const described = boxes(view, container);
  const list = child(described, "ipco");
  const properties = list ? boxes(view, list) : [];
  const associations = described.filter(({ type }) => type === "ipma");
  const pointsOf = (id: number) => {
    for (const index of associations.flatMap((box) => propertiesOf(view, box, id))) {
      const points = codePointsOf(view, properties[index - 1]);
      if (points) return points;
    }
    return undefined;
  };
  // In a photo of tiles, the tiles may have them.
  const references = child(inside, "iref");
  const tile = references && firstTile(view, references, item);
  return pointsOf(item) ?? (tile === undefined ? undefined : pointsOf(tile));
}

function boxes(view: DataView, { from, to }: Pick<Box, "from" | "to">): Box[] {
  const found: Box[] = [];
  for (let at = from; at + 8 <= to; ) {
    const size = view.getUint32(at);
    const type = String.fromCharCode(...[4, 5, 6, 7].map((offset) => view.getUint8(at + offset)));
    // Size 1: a 64-bit size follows. Size 0: to the end.
    const start = at + (size === 1 ? 16 : 8);
    const end = size === 1 ? at + Number(view.getBigUint64(at + 8)) : size === 0 ? to : at + size;
    if (end < start || end > to) break;
    found.push({ type, from: start, to: end });
    at = end;
  }
  return found;
}

/** The content after version and flags. */
const afterVersion = ({ from, to }: Box) => ({ from: from + 4, to });

const idAt = (view: DataView, at: number, isLong: boolean): number =>
  isLong ? view.getUint32(at) : view.getUint16(at);

/** The numbers of an item's properties, from 1 (`ipma`). */
function propertiesOf(view: DataView, { from }: Box, item: number): number[] {
  const hasLongIds = view.getUint8(from) > 0;
  const hasLongNumbers = (view.getUint8(from + 3) & 1) === 1;
  let at = from + 8;
  for (let left = view.getUint32(from + 4); left > 0; left--) {
    const id = idAt(view, at, hasLongIds);
    at += hasLongIds ? 4 : 2;
    const count = view.getUint8(at);
    at += 1;
    // The highest bit marks essential properties.
    if (id === item)
      return Array.from({ length: count }, (_, index) =>
        hasLongNumbers ? view.getUint16(at + 2 * index) & 0x7fff : view.getUint8(at + index) & 0x7f,
      );
    at += count * (hasLongNumbers ? 2 : 1);
  }
  return [];
}

function codePointsOf(view: DataView, box: Box | undefined): CodePoints | undefined {
  if (box?.type !== "colr" || view.getUint32(box.from) !== 0x6e636c78 /* nclx */) return undefined;
  return { primaries: view.getUint16(box.from + 4), transfer: view.getUint16(box.from + 6) };
}

/** The first image that an image is derived from (`dimg` of `iref`). */
function firstTile(view: DataView, references: Box, item: number): number | undefined {
  const hasLongIds = view.getUint8(references.from) > 0;
  const length = hasLongIds ? 4 : 2;
  for (const { type, from } of boxes(view, afterVersion(references)))
    if (type === "dimg" && idAt(view, from, hasLongIds) === item && view.getUint16(from + length) > 0)
      return idAt(view, from + length + 2, hasLongIds);
  return undefined;
}
