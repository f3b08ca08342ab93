import { readFile } from "node:fs/promises";

/** An image file of a task: the bytes, or a path that the process reads when needed. */
export type ImageFile = string | Uint8Array;

export const readImage = async (file: ImageFile): Promise<Uint8Array> =>
  typeof file === "string" ? readFile(file) : file;
