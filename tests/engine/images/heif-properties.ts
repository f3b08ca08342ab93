/** Writes HEIC files as phones do, from a file whose properties have numbers of one byte (`ipma` version 0). */

const nclxSize = 19;

/** A `colr` box with code points of ITU-T H.273. */
function nclx(primaries: number, transfer: number): Buffer {
  const box = Buffer.alloc(nclxSize);
  box.writeUInt32BE(nclxSize);
  box.write("colrnclx", 4, "latin1");
  box.writeUInt16BE(primaries, 12);
  box.writeUInt16BE(transfer, 14);
  // The YCbCr matrix of the fixtures, and full range.
  box.writeUInt16BE(6, 16);
  box[18] = 0x80;
  return box;
}

/** Puts code points before all other properties and gives them to the items. */
export function withFirstCodePoints(
  heic: Uint8Array,
  [primaries, transfer]: readonly [number, number],
  items: readonly number[],
): Buffer {
  const file = Buffer.from(heic);
  const [meta, iprp, ipco] = ["meta", "iprp", "ipco"].map((type) => file.indexOf(type, 0, "latin1") - 4);
  const ipma = file.indexOf("ipma", 0, "latin1") - 4;
  const rows: Buffer[] = [];
  let at = ipma + 16;
  for (let left = file.readUInt32BE(ipma + 12); left > 0; left--) {
    const [id, count] = [file.readUInt16BE(at), file[at + 2]!];
    const numbers = [...file.subarray(at + 3, at + 3 + count)].map((number) => number + 1);
    const all = items.includes(id) ? [1, ...numbers] : numbers;
    rows.push(Buffer.from([id >> 8, id & 255, all.length, ...all]));
    at += 3 + count;
  }
  const list = file.subarray(ipco!, ipma);
  const associations = Buffer.concat([file.subarray(ipma, ipma + 16), ...rows]);
  associations.writeUInt32BE(associations.length);
  const grown = nclxSize + items.length;
  const added = Buffer.concat([list.subarray(0, 8), nclx(primaries, transfer), list.subarray(8)]);
  added.writeUInt32BE(list.readUInt32BE() + nclxSize);
  const whole = Buffer.concat([file.subarray(0, ipco), added, associations, file.subarray(at)]);
  for (const box of [meta!, iprp!]) whole.writeUInt32BE(whole.readUInt32BE(box) + grown, box);
  moveData(whole, grown);
  return whole;
}

/** Adds to the places of the items' data (`iloc` version 0 or 1, all sizes 4) that lie in the file. */
function moveData(file: Buffer, by: number): void {
  const iloc = file.indexOf("iloc", 0, "latin1") + 4;
  const version = file[iloc]!;
  const baseSize = file[iloc + 5]! >> 4;
  let at = iloc + 8;
  for (let left = file.readUInt16BE(iloc + 6); left > 0; left--) {
    const method = version === 1 ? file.readUInt16BE(at + 2) & 15 : 0;
    at += version === 1 ? 6 : 4;
    if (baseSize && method === 0) file.writeUInt32BE(file.readUInt32BE(at) + by, at);
    at += baseSize;
    const extents = file.readUInt16BE(at);
    at += 2;
    for (let extent = 0; extent < extents; extent++, at += 8)
      if (!baseSize && method === 0) file.writeUInt32BE(file.readUInt32BE(at) + by, at);
  }
}
