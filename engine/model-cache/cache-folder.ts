import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ensureWritableFolder, writeAtomically } from "../files/write-atomically.ts";
import { requireRoom } from "../model-store/disk-room.ts";

/** Label of an entry, written after the entry and again whenever it is used. */
const labelSchema = z.object({ sha256: z.string() });

/**
 * Milliseconds after which a temporary file, relative to the latest use, counts as abandoned by a killed
 * process.
 */
const abandonedAfter = 3_600_000;

export interface CacheUse {
  readonly entries: number;
  readonly bytes: number;
}

/**
 * Large files by key, in one folder with a size limit. The least recently used entries are removed first. An
 * entry is an atomically written file with a label that holds its digest; an entry that does not match its
 * label is ignored. Processes may share the folder: concurrent writers of an entry write the same bytes.
 */
export class CacheFolder {
  readonly #folder: string;
  readonly #limit: number;
  readonly #sha256: (path: string) => Promise<string>;

  /** @param limit in bytes @param sha256 computes a file's digest */
  constructor(folder: string, limit: number, sha256: (path: string) => Promise<string>) {
    this.#folder = folder;
    this.#limit = limit;
    this.#sha256 = sha256;
  }

  /** Returns the entry's file if its digest matches its label, else undefined. */
  async find(key: string): Promise<string | undefined> {
    const path = this.#fileOf(key);
    try {
      const label = labelSchema.parse(JSON.parse(await readFile(this.#labelOf(key), "utf8")));
      if ((await this.#sha256(path)) !== label.sha256) throw new Error("digest mismatch");
      // The label's time is the time of the last use. In a read-only folder nothing is removed.
      await this.#writeLabel(key, label.sha256).catch(() => undefined);
      return path;
    } catch {
      // The entry is kept, because its replacement is renamed over it and another process may be writing that
      // now.
      return undefined;
    }
  }

  /**
   * @param bytes size of the entry; an entry above the limit is not written
   * @param write writes the file atomically and returns its digest
   * @returns the file, or undefined if it exceeds the limit
   * @throws VisibleError `not_writable`, `disk_full`
   */
  async add(
    key: string,
    bytes: number,
    write: (path: string) => Promise<string>,
  ): Promise<string | undefined> {
    if (bytes > this.#limit) return undefined;
    await ensureWritableFolder(this.#folder);
    await this.#makeRoom(key, bytes);
    await requireRoom(this.#folder, bytes);
    const path = this.#fileOf(key);
    await this.#writeLabel(key, await write(path));
    return path;
  }

  async #remove(key: string): Promise<void> {
    for (const path of [this.#labelOf(key), this.#fileOf(key)])
      await rm(path, { force: true }).catch(() => undefined);
  }

  async use(): Promise<CacheUse> {
    const found = await this.#list();
    return { entries: found.length, bytes: found.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  async #makeRoom(key: string, bytes: number): Promise<void> {
    const others = (await this.#list()).filter((entry) => entry.key !== key);
    const oldestFirst = others.sort((a, b) => a.used - b.used);
    let held = oldestFirst.reduce((sum, entry) => sum + entry.bytes, 0);
    for (const oldest of oldestFirst) {
      if (held + bytes <= this.#limit) break;
      // A process that has the file open can still read it.
      await this.#remove(oldest.key);
      held -= oldest.bytes;
    }
  }

  /** Lists the entries, and deletes temporary files that were abandoned long before the latest use. */
  async #list(): Promise<{ key: string; bytes: number; used: number }[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const timed = await Promise.all(
      names.map(async (name) => {
        const found = await stat(join(this.#folder, name)).catch(() => undefined);
        return { name, bytes: found?.size ?? 0, time: found?.mtimeMs ?? 0 };
      }),
    );
    const latest = Math.max(0, ...timed.map(({ time }) => time));
    const timeOf = new Map(timed.map(({ name, time }) => [name, time]));
    for (const { name, time } of timed)
      if (name.endsWith(".tmp") && latest - time > abandonedAfter)
        await rm(join(this.#folder, name), { force: true }).catch(() => undefined);
    return timed.flatMap(({ name, bytes, time }) => {
      if (!name.endsWith(ending)) return [];
      const key = name.slice(0, -ending.length);
      return [{ key, bytes, used: timeOf.get(`${key}.json`) ?? time }];
    });
  }

  #fileOf(key: string): string {
    return join(this.#folder, `${key}${ending}`);
  }

  #labelOf(key: string): string {
    return join(this.#folder, `${key}.json`);
  }

  #writeLabel(key: string, sha256: string): Promise<void> {
    return writeAtomically(this.#labelOf(key), JSON.stringify({ sha256 }));
  }
}

const ending = ".safetensors";
