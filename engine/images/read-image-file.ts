import { readFile, stat } from "node:fs/promises";
import { VisibleError } from "../errors.ts";

/** Maximum size of an image file in bytes. */
const maxFileBytes = 200 * 1024 * 1024;

const refusals: Readonly<Record<string, (path: string) => VisibleError>> = {
  ENOENT: (path) =>
    new VisibleError(
      "image_not_found",
      `File ${path} does not exist; check the name and the current folder.`,
    ),
  ENOTDIR: (path) =>
    new VisibleError("image_not_found", `File ${path} does not exist: part of its path is not a folder.`),
  EACCES: (path) =>
    new VisibleError("image_unreadable", `No permission to read ${path}; change its permissions (chmod +r).`),
};

/**
 * Reads an image file. @throws VisibleError if it is missing, unreadable, not a regular file, empty or above
 * maxFileBytes
 */
export async function readImageFile(path: string): Promise<Uint8Array> {
  try {
    const found = await stat(path);
    if (found.isDirectory())
      throw new VisibleError(
        "image_is_folder",
        `${path} is a folder; give the image files in it, such as ${path}/*.jpg.`,
      );
    if (!found.isFile())
      throw new VisibleError(
        "image_unreadable",
        `${path} is not a regular file; save the image to a file first.`,
      );
    if (found.size === 0)
      throw new VisibleError("image_empty", `${path} is empty (0 bytes); copy or download it again.`);
    if (found.size > maxFileBytes)
      throw new VisibleError(
        "image_too_large",
        `${path} is ${Math.round(found.size / 1e6)} MB; the limit is ${Math.round(maxFileBytes / 1e6)} MB. Save a smaller copy.`,
      );
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof VisibleError) throw cause;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    throw (
      refusals[code]?.(path) ??
      new VisibleError(
        "image_unreadable",
        `${path} cannot be read (${code}); copy it elsewhere and try again.`,
        { cause },
      )
    );
  }
}
