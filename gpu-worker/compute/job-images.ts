import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ReadImage } from "./normalized-images.ts";

/** The path of an uploaded image as a normalized PNG. `subject` names it in errors. */
export type ImageOf = (upload: string, subject: string) => Promise<string>;

/** Runs `work` with access to the images of an account's uploads. Their files are deleted when it ends. */
export async function withImages<Result>(
  readImage: ReadImage,
  account: string,
  signal: AbortSignal,
  work: (imageOf: ImageOf) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "visii-images-"));
  const files = new Set<string>();
  try {
    return await work(async (upload, subject) => {
      const path = join(folder, `${upload}.png`);
      if (!files.has(path)) await writeFile(path, await readImage(account, upload, subject, signal));
      files.add(path);
      return path;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
