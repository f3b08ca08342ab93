const components = [1, 2, 3] as const;
/** Bits by which successive approximation may refine a coefficient (T.81, G.1.1.1.2). */
const refinements = 13;

const segment = (marker: number, ...body: readonly number[]): Buffer =>
  Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 0xff, ...body]);

/** A Huffman table of the symbols with codes `0` and `10`. */
const huffmanTable = (id: number, symbols: readonly [number, number]): Buffer =>
  segment(0xc4, id, 1, 1, ...Array<number>(14).fill(0), ...symbols);

/** Bits as bytes, filled with ones; a byte 0xff is followed by 0. */
function entropyCoded(bits: string): Buffer {
  const bytes = (bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, "1"), 2));
  return Buffer.from(bytes.flatMap((byte) => (byte === 0xff ? [byte, 0] : [byte])));
}

/**
 * A valid, uniform progressive JPEG of 1 + 42 · `bands` scans: bands of the coefficients, each refined bit by
 * bit. Each scan is about a hundred bytes, and takes a pass over all blocks to decode.
 *
 * @param side pixels, a multiple of 8
 * @param hidden puts a marker without parameters (TEM) before each scan
 */
export function slowJpeg(side: number, bands: number, hidden = false): Buffer {
  const blocks = (side / 8) ** 2;
  const size = [side >> 8, side & 0xff];
  // Runs of blocks without coefficients: EOB14 for 16,384 to 32,767 of them, EOBn for 2ⁿ and more.
  let coded = "";
  let left = blocks;
  for (; left >= 16_384; left -= Math.min(left, 32_767))
    coded += `0${(Math.min(left, 32_767) - 16_384).toString(2).padStart(14, "0")}`;
  const rest = left && Math.floor(Math.log2(left));
  if (left) coded += `10${rest ? (left - 2 ** rest).toString(2).padStart(rest, "0") : ""}`;
  const pass = entropyCoded(coded);
  const scans = Array.from({ length: bands }, (_, band) => {
    const [first, last] = [1 + Math.floor((63 * band) / bands), Math.floor((63 * (band + 1)) / bands)];
    return components.flatMap((id) =>
      Array.from({ length: refinements + 1 }, (_, step) => {
        const low = refinements - step;
        const high = step === 0 ? 0 : low + 1;
        const header = segment(0xda, 1, id, 0, first, last, (high << 4) | low);
        return [...(hidden ? [Buffer.from([0xff, 0x01])] : []), header, pass];
      }).flat(),
    );
  });
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, 0, ...Array<number>(64).fill(1)),
    segment(0xc2, 8, ...size, ...size, 3, ...components.flatMap((id) => [id, 0x11, 0])),
    huffmanTable(0, [0, 1]),
    huffmanTable(0x10, [0xe0, rest << 4]),
    segment(0xda, 3, ...components.flatMap((id) => [id, 0]), 0, 0, 0),
    entropyCoded("0".repeat(3 * blocks)),
    ...scans.flat(),
    Buffer.from([0xff, 0xd9]),
  ]);
}
