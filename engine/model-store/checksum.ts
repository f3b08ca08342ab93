import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { defined } from "../../shared/defined.ts";

/**
 * The Hub's checksum of a file: SHA-256 for large files (Git LFS and its successor); for small files the Git
 * blob hash, SHA-1 over `blob <size>\0` and the content.
 */
export interface Checksum {
  readonly algorithm: "sha256" | "git-sha1";
  /** Lowercase hexadecimal. */
  readonly hex: string;
}

/** Creates a hash for a file's content. @param size of the content, in bytes */
export function startHash(algorithm: Checksum["algorithm"], size: number): Hash {
  return algorithm === "sha256" ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
}

/** Adds the first `length` bytes of a file to `hash`. */
export async function hashFile(
  path: string,
  length: number,
  hash: Hash,
  signal?: AbortSignal,
): Promise<void> {
  if (length === 0) return;
  const bytes = createReadStream(path, { end: length - 1, highWaterMark: 2 ** 20 });
  await pipeline(bytes, hash, { end: false, ...defined({ signal }) });
}

/** Returns true if a file of the expected size matches the checksum. */
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
