import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { showBytes } from "../../shared/show-bytes.ts";
import { VisibleError } from "../errors.ts";

/**
 * Checks, before anything is written, that the disk of `folder` (or of its nearest existing parent) has
 * `bytes` free.
 *
 * @throws VisibleError `disk_full`
 */
export async function requireRoom(folder: string, bytes: number): Promise<void> {
  const free = await freeBytes(folder);
  if (free !== undefined && free < bytes)
    throw new VisibleError(
      "disk_full",
      `${folder} needs ${showBytes(bytes)}, but its disk has ${showBytes(free)} free; free some space or choose a folder on another disk.`,
    );
}

async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return dirname(folder) === folder ? undefined : freeBytes(dirname(folder));
  }
}
