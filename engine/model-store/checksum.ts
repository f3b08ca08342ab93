import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";

/**
 * What the Hub says of a file's content: SHA-256 for large files (Git LFS and its successor), for small ones Git's own name
 * of the blob, SHA-1 over `blob <size>\0` and the content.
 */
export interface Checksum {
  readonly algorithm: "sha256" | "git-sha1";
  /** Lower-case hexadecimal. */
  readonly hex: string;
}

/** A hash that is ready for the content's first byte. @param size the whole content's, in bytes */
export function startHash(algorithm: Checksum["algorithm"], size: number): Hash {
  return algorithm === "sha256" ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
}

/** Feeds the first `length` bytes of a file to `hash`. */
export async function hashFile(
  path: string,
  length: number,
  hash: Hash,
  signal?: AbortSignal,
): Promise<void> {
  if (length === 0) return;
  const bytes = createReadStream(path, { end: length - 1, highWaterMark: 2 ** 20 });
  await pipeline(bytes, hash, { end: false, ...(signal ? { signal } : {}) });
}

/** Whether a file of the right size has the right content. */
export async function hasChecksum(
  path: string,
  size: number,
  { algorithm, hex }: Checksum,
  signal?: AbortSignal,
): Promise<boolean> {
  const hash = startHash(algorithm, size);
  await hashFile(path, size, hash, signal);
  return hash.digest("hex") === hex;
}
