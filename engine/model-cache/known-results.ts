import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ensureWritableFolder, writeAtomically } from "../files/write-atomically.ts";

const resultSchema = z.object({ text: z.string(), check: z.string() });

/** Short results of slow computations, in one folder. A damaged one is computed again. */
export class KnownResults {
  readonly #folder: string;
  readonly #failed: (cause: unknown) => void;

  /** @param failed called when a result cannot be stored */
  constructor(folder: string, failed: (cause: unknown) => void) {
    this.#folder = folder;
    this.#failed = failed;
  }

  /**
   * Returns the stored text, or calls `compute` and stores its result. What `compute` throws is not stored.
   *
   * @param key everything that decides the result
   */
  async get(key: string, compute: () => Promise<string>): Promise<string> {
    const place = join(this.#folder, `${digestOf(key).slice(0, 32)}.json`);
    const stored = await readResult(place, key).catch(() => undefined);
    if (stored !== undefined) return stored;
    const text = await compute();
    try {
      await ensureWritableFolder(this.#folder);
      await writeAtomically(place, JSON.stringify({ text, check: checkOf(key, text) }));
    } catch (cause) {
      this.#failed(cause);
    }
    return text;
  }
}

async function readResult(place: string, key: string): Promise<string | undefined> {
  const { text, check } = resultSchema.parse(JSON.parse(await readFile(place, "utf8")));
  return check === checkOf(key, text) ? text : undefined;
}

function checkOf(key: string, text: string): string {
  return digestOf(`${digestOf(key)}\n${text}`);
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
