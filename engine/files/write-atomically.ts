import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { VisibleError } from "../errors.ts";

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space and run again",
  EDQUOT: "your disk quota is used up; free some space and run again",
  EFBIG: "the file exceeds the system's size limit; raise it (ulimit -f) or choose another folder",
  EACCES: "permission denied; choose another folder or change its permissions",
  EPERM: "permission denied; choose another folder or change its permissions",
  EROFS: "the disk is read-only; choose another folder",
  ENOENT: "the folder does not exist; create it or choose another",
  ENOTDIR: "part of the path is a file, not a folder; choose another folder",
  EEXIST: "part of the path is a file, not a folder; choose another folder",
  EISDIR: "a folder with this name exists; choose another name",
  ENAMETOOLONG: "the name is too long; choose a shorter one",
};

/** Converts a failed file-system call to a VisibleError about `path`. Other errors are returned unchanged. */
export function explainWriteFailure(path: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || !("code" in cause)) return cause;
  const reason = reasons[String(cause.code)] ?? `${String(cause.code)}; choose another folder`;
  return new VisibleError("not_writable", `Cannot write ${path}: ${reason}.`, { cause });
}

/**
 * `mkdir -p`. Node's `recursive` option never returns if the file system answers ENOENT to every creation, as
 * /proc does.
 *
 * @returns the folders created, outermost first
 */
async function createFolder(folder: string): Promise<string[]> {
  try {
    await mkdir(folder);
    return [folder];
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    const isFolder = async (path: string): Promise<boolean> =>
      (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
    if (await isFolder(folder)) return [];
    const parent = dirname(folder);
    if (code !== "ENOENT" || parent === folder) throw cause;
    const parents = (await isFolder(parent)) ? [] : await createFolder(parent);
    // Another process may have created the parent or both in the meantime. If nothing can be created, this
    // fails again.
    try {
      await mkdir(folder);
      return [...parents, folder];
    } catch (again) {
      if (!(await isFolder(folder))) throw again;
      return parents;
    }
  }
}

/**
 * Creates the folder and its parents, and verifies that a file can be written to it.
 *
 * @returns the folders created, outermost first
 * @throws VisibleError `not_writable`
 */
export async function ensureWritableFolder(folder: string): Promise<readonly string[]> {
  const probe = join(folder, `.visii-${randomUUID()}.tmp`);
  try {
    const created = await createFolder(folder);
    await (await open(probe, "wx")).close();
    return created;
  } catch (cause) {
    throw explainWriteFailure(folder, cause);
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}

/**
 * Writes `bytes` (or chunks of bytes) to `path` atomically: to a temporary file in the same folder, which is
 * flushed and renamed. The folder must exist.
 *
 * @throws VisibleError if the disk is full, the folder is missing or permission is denied; an existing file
 * is unchanged
 */
export async function writeAtomically(
  path: string,
  bytes: Uint8Array | string | AsyncIterable<Uint8Array>,
): Promise<void> {
  const aside = join(dirname(path), `.${basename(path).slice(0, 80)}.${randomUUID()}.tmp`);
  try {
    const file = await open(aside, "wx");
    try {
      // Each call appends to the previous one.
      if (typeof bytes === "string" || bytes instanceof Uint8Array) await file.writeFile(bytes);
      else for await (const piece of bytes) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (cause) {
    await rm(aside, { force: true }).catch(() => undefined);
    throw explainWriteFailure(path, cause);
  }
}
