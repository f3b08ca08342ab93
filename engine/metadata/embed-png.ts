import { deflateSync } from "node:zlib";
import type { FileMetadata } from "./embed-metadata.ts";

/** Bytes of a PNG's signature and IHDR chunk; the other chunks follow them. */
const headerLength = 33;

/** PNG has no chunk for IPTC. This is a private one, which other programs ignore. */
const iptcChunk = "ipTc";

/**
 * Inserts metadata into a PNG without any: chunks iCCP, eXIf, iTXt and, for IPTC, a private one. The pixels are
 * unchanged.
 */
export function embedInPng(png: Uint8Array, { exif, xmp, iptc, profile }: FileMetadata): Buffer {
  const chunks = [
    ...(profile ? [chunk("iCCP", Buffer.from("profile\0\0", "latin1"), deflateSync(profile))] : []),
    ...(exif ? [chunk("eXIf", exif)] : []),
    // Keyword, uncompressed, without language and translated keyword.
    ...(xmp ? [chunk("iTXt", Buffer.from("XML:com.adobe.xmp\0\0\0\0\0", "latin1"), xmp)] : []),
    ...(iptc ? [chunk(iptcChunk, iptc)] : []),
  ];
  return Buffer.concat([png.subarray(0, headerLength), ...chunks, png.subarray(headerLength)]);
}

/** IPTC that `embedInPng` inserted. */
export function iptcOfPng(png: Uint8Array): Uint8Array | undefined {
  const file = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  for (let at = 8; at + 12 <= file.length; ) {
    const [length, type] = [file.readUInt32BE(at), file.toString("latin1", at + 4, at + 8)];
    // Metadata is before the pixels.
    if (type === "IDAT" || at + 12 + length > file.length) return undefined;
    if (type === iptcChunk) return file.subarray(at + 8, at + 8 + length);
    at += 12 + length;
  }
  return undefined;
}

function chunk(type: string, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), ...content]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length - 4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** CRC-32 of ISO 3309, as used in PNG chunks. */
function crc32(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}
