import { readFile } from "node:fs/promises";

/** An image file of a task: a path, which the process reads when it needs it, or the bytes. */
export type ImageFile = string | Uint8Array;

export const readImage = async (file: ImageFile): Promise<Uint8Array> =>
  typeof file === "string" ? readFile(file) : file;
