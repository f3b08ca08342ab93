import { readFile, stat } from "node:fs/promises";
import { VisibleError } from "../errors.ts";

/** Compressed size above which nobody's photo lies, in bytes. */
export const maximumFileBytes = 200 * 1024 * 1024;

const refusals: Readonly<Record<string, (path: string) => VisibleError>> = {
  ENOENT: (path) =>
    new VisibleError(
      "image_not_found",
      `There is no file ${path}; check the name and the folder you are in.`,
    ),
  ENOTDIR: (path) =>
    new VisibleError("image_not_found", `There is no file ${path}: part of its path is not a folder.`),
  EACCES: (path) =>
    new VisibleError(
      "image_unreadable",
      `${path} may not be read by you; change its permissions (chmod +r).`,
    ),
};

/** The file's bytes. Missing, unreadable, a folder, a device, empty or above maximumFileBytes: VisibleError. */
export async function readImageFile(path: string): Promise<Uint8Array> {
  try {
    const found = await stat(path);
    if (found.isDirectory())
      throw new VisibleError(
        "image_is_folder",
        `${path} is a folder; name the image files in it, as in ${path}/*.jpg.`,
      );
    if (!found.isFile())
      throw new VisibleError(
        "image_unreadable",
        `${path} is not a regular file; save the image to a file first.`,
      );
    if (found.size === 0)
      throw new VisibleError("image_empty", `${path} is empty (0 bytes); copy or download it again.`);
    if (found.size > maximumFileBytes)
      throw new VisibleError(
        "image_too_large",
        `${path} is ${Math.round(found.size / 1e6)} MB; the limit is ${Math.round(maximumFileBytes / 1e6)} MB, so save a smaller copy.`,
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
