import { readdir, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { VisibleError } from "../errors.ts";

export interface FolderEntry {
  /** File name without extension; a folder's full name. */
  readonly name: string;
  readonly path: string;
  readonly isFolder: boolean;
}

/** Compares names in natural order: 2 before 10. */
const inOrder = new Intl.Collator("en", { numeric: true }).compare;

/**
 * Entries of a folder in natural order, following links and without hidden files; undefined if the folder
 * does not exist.
 */
export async function listFolder(folder: string): Promise<FolderEntry[] | undefined> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return undefined;
    throw new VisibleError("set_unreadable", `${folder} cannot be read (${cause.code}).`, { cause });
  });
  const entries = names
    ?.filter((name) => !name.startsWith(".") && name !== "Thumbs.db")
    .sort(inOrder)
    .map(async (file): Promise<FolderEntry> => {
      const path = join(folder, file);
      const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
      return { name: isFolder ? file : basename(file, extname(file)), path, isFolder };
    });
  return entries && Promise.all(entries);
}

/**
 * The file called `name` with any extension; undefined if there is none. @throws VisibleError if there are
 * several
 */
export function fileNamed(entries: readonly FolderEntry[], name: string): string | undefined {
  const [first, second] = entries.filter((entry) => !entry.isFolder && entry.name === name);
  if (second)
    throw new VisibleError(
      "invalid_set",
      `${first!.path} and ${basename(second.path)} have the same name; keep one of them.`,
    );
  return first?.path;
}
