import { deflateSync } from "node:zlib";

/** Bytes of a PNG's signature and IHDR chunk; the profile follows them. */
const headerLength = 33;

/** Adds a color profile to a PNG without one (an iCCP chunk, PNG 11.3.3.3). The pixels are unchanged. */
export function withPngProfile(png: Uint8Array, profile: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from("iCCPprofile\0\0", "latin1"), deflateSync(profile)]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(body.length - 4);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return Buffer.concat([png.subarray(0, headerLength), chunk, png.subarray(headerLength)]);
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
