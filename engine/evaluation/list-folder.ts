import { readdir, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { VisibleError } from "../errors.ts";

export interface FolderEntry {
  /** The file's name without its ending; a folder's whole name. */
  readonly name: string;
  readonly path: string;
  readonly isFolder: boolean;
}

/** Names such as 2 and 10 in the order that people count. */
const inOrder = new Intl.Collator("en", { numeric: true }).compare;

/** What lies in a folder, in the order of its names, links followed and hidden files left out; undefined when there is none. */
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

/** The one file called `name`, whatever its ending; undefined when there is none, VisibleError when there are several. */
export function fileNamed(entries: readonly FolderEntry[], name: string): string | undefined {
  const [first, second] = entries.filter((entry) => !entry.isFolder && entry.name === name);
  if (second)
    throw new VisibleError(
      "invalid_set",
      `${first!.path} and ${basename(second.path)} have the same name; keep one of them.`,
    );
  return first?.path;
}
