import { randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { VisibleError } from "../../shared/errors.ts";

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space",
  EDQUOT: "the disk quota is used up; free some space",
  EACCES: "permission is denied; choose a folder you may write to",
  EPERM: "permission is denied; choose a folder you may write to",
  EROFS: "the file system is read-only; choose another folder",
  ENOENT: "its folder does not exist; create it first",
  ENOTDIR: "its folder is a file; choose another path",
  EISDIR: "a folder has that name; choose another",
};

/**
 * Write a file whole or not at all: beside its place first, then renamed over it. What was there before survives a
 * failure.
 *
 * @throws VisibleError `write_failed`, naming the path and the reason
 */
export async function writeAside(path: string, bytes: Uint8Array): Promise<void> {
  const aside = `${path}.${randomUUID()}.partial`;
  try {
    const handle = await open(aside, "wx");
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(aside, path);
  } catch (cause) {
    await rm(aside, { force: true }).catch(() => undefined);
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    throw new VisibleError("write_failed", `Cannot write ${path}: ${reasons[code] ?? code}.`, { cause });
  }
}
