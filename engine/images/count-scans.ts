/** JPEG markers (ITU-T T.81, table B.1). */
const [temporary, startOfImage, startOfScan, endOfImage] = [0x01, 0xd8, 0xda, 0xd9];

/**
 * Counts the scans of a JPEG. Progressive JPEGs of cameras and editors have about ten. Each scan takes a pass
 * over all coefficients, so a small file with thousands of scans keeps a decoder busy for minutes.
 */
export function countScans(jpeg: Uint8Array): number {
  let scans = 0;
  for (let at = 2; at + 3 < jpeg.length; ) {
    // Within scan data, 0xff is followed by 0 or a restart marker; elsewhere markers may be padded with 0xff.
    // These markers and TEM have no parameters.
    const marker = jpeg[at] === 0xff ? jpeg[at + 1]! : 0;
    if (marker === endOfImage) break;
    if (
      marker === 0 ||
      marker === 0xff ||
      marker === temporary ||
      (marker >= 0xd0 && marker <= startOfImage)
    ) {
      at += marker === 0xff || jpeg[at] !== 0xff ? 1 : 2;
      continue;
    }
    if (marker === startOfScan) scans++;
    at += 2 + jpeg[at + 2]! * 256 + jpeg[at + 3]!;
  }
  return scans;
}
