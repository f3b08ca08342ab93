import type { FileMetadata } from "./embed-metadata.ts";

const riffHeader = 12;
/** Flags of the chunk VP8X. */
const flags = { profile: 0x20, alpha: 0x10, exif: 0x08, xmp: 0x04 };

/**
 * Inserts metadata into a WebP without any: chunks ICCP before the image, EXIF and XMP after it, announced in
 * VP8X (WebP Container Specification), which is added if the file is a simple one.
 */
export function embedInWebp(
  webp: Uint8Array,
  { exif, xmp, profile }: FileMetadata,
  { width, height }: { readonly width: number; readonly height: number },
): Buffer {
  const file = Buffer.from(webp.buffer, webp.byteOffset, webp.byteLength);
  const isExtended = file.toString("latin1", riffHeader, riffHeader + 4) === "VP8X";
  const header = Buffer.alloc(10);
  if (isExtended) file.copy(header, 0, riffHeader + 8, riffHeader + 18);
  else {
    header.writeUIntLE(width - 1, 4, 3);
    header.writeUIntLE(height - 1, 7, 3);
    if (file.toString("latin1", riffHeader, riffHeader + 4) === "VP8L" && hasAlpha(file))
      header[0] = flags.alpha;
  }
  header[0]! |= (profile ? flags.profile : 0) | (exif ? flags.exif : 0) | (xmp ? flags.xmp : 0);
  const body = Buffer.concat([
    Buffer.from("WEBP", "latin1"),
    chunk("VP8X", header),
    ...(profile ? [chunk("ICCP", profile)] : []),
    file.subarray(isExtended ? riffHeader + 18 : riffHeader),
    ...(exif ? [chunk("EXIF", exif)] : []),
    ...(xmp ? [chunk("XMP ", xmp)] : []),
  ]);
  return chunk("RIFF", body);
}

/** Bit 28 of a lossless image's header, after its signature byte and two sides of 14 bits. */
const hasAlpha = (file: Buffer): boolean => (file.readUInt32LE(riffHeader + 9) & 0x10000000) !== 0;

function chunk(name: string, content: Uint8Array): Buffer {
  const start = Buffer.alloc(8, name, "latin1");
  start.writeUInt32LE(content.length, 4);
  return Buffer.concat([start, content, Buffer.alloc(content.length % 2)]);
}
