import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { VisibleError } from "../errors.ts";

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space and run again",
  EDQUOT: "your disk quota is used up; free some space and run again",
  EFBIG: "the file would be larger than your system allows; raise the limit (ulimit -f) or write elsewhere",
  EACCES: "you may not write there; choose another folder or change its permissions",
  EPERM: "you may not write there; choose another folder or change its permissions",
  EROFS: "that disk is read-only; choose another folder",
  ENOENT: "its folder does not exist; create it or choose another",
  ENOTDIR: "part of its path is a file, not a folder; choose another folder",
  EEXIST: "part of its path is a file, not a folder; choose another folder",
  EISDIR: "a folder of that name is in the way; choose another name",
  ENAMETOOLONG: "the name is too long; choose a shorter one",
};

/** Why a file-system call failed, as a VisibleError about `path`; anything else is handed back unchanged. */
export function explainWriteFailure(path: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || !("code" in cause)) return cause;
  const reason =
    reasons[String(cause.code)] ?? `the system says ${String(cause.code)}; choose another folder`;
  return new VisibleError("not_writable", `Cannot write ${path}: ${reason}.`, { cause });
}

/**
 * `mkdir -p`. Not Node's own `recursive`, which never returns where a file system answers ENOENT to creating anything (as
 * /proc does).
 */
async function createFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    const isFolder = async (path: string): Promise<boolean> =>
      (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
    if (await isFolder(folder)) return;
    const parent = dirname(folder);
    if (code !== "ENOENT" || parent === folder) throw cause;
    if (!(await isFolder(parent))) await createFolder(parent);
    // Another process may have made the parent, or both, meanwhile. Where nothing can be created this fails as it did before.
    await mkdir(folder).catch(async (again: unknown) => {
      if (!(await isFolder(folder))) throw again;
    });
  }
}

/** Creates the folder and its parents, and proves that a file can be written in it. VisibleError when not. */
export async function ensureWritableFolder(folder: string): Promise<void> {
  const probe = join(folder, `.visii-${randomUUID()}.tmp`);
  try {
    await createFolder(folder);
    await (await open(probe, "wx")).close();
  } catch (cause) {
    throw explainWriteFailure(folder, cause);
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}

/**
 * Writes `bytes` (or pieces of them, as they come) to `path` whole or not at all: aside in the same folder, flushed, then
 * renamed over it. The folder must exist. A full disk, a missing folder or missing rights: VisibleError, and whatever stood at
 * `path` stands untouched.
 */
export async function writeAside(
  path: string,
  bytes: Uint8Array | string | AsyncIterable<Uint8Array>,
): Promise<void> {
  const aside = join(dirname(path), `.${basename(path).slice(0, 80)}.${randomUUID()}.tmp`);
  try {
    const file = await open(aside, "wx");
    try {
      // Each call goes on where the one before it ended.
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
