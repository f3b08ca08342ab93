import { rmdir } from "node:fs/promises";
import { ensureWritableFolder } from "visii-engine/files";

/**
 * The folders that a command creates for its results. If the command fails, those still empty are removed.
 */
export class OutputFolders {
  readonly #created: string[] = [];

  /** Creates the folder if it does not exist. @throws VisibleError `not_writable` */
  async ensure(folder: string): Promise<void> {
    this.#created.push(...(await ensureWritableFolder(folder)));
  }

  async removeEmpty(): Promise<void> {
    // A folder that has content is not removed.
    for (const folder of this.#created.toReversed()) await rmdir(folder).catch(() => undefined);
  }
}
