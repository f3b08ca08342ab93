import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { sha256OfFile } from "../../shared/file-hash.ts";
import { ensureWritableFolder, writeAtomically } from "../files/write-atomically.ts";

/** Minimum size of a file in bytes. Hashing a smaller one is faster than reading a stored digest. */
const minBytes = 2 ** 24;

/**
 * Minimum age of a file's last change when its digest is stored. A change within one tick of a coarse file
 * system clock (2 s on FAT) would not change the file's times.
 */
const settledMilliseconds = 2000;

const noteSchema = z.object({ identity: z.string(), digest: z.string(), check: z.string() });

/**
 * Digests of files, computed once. A stored digest is valid while the file's device, inode, size,
 * modification time and change time are the same. Programs cannot set the change time. An unknown digest is
 * computed; one that cannot be stored is computed again next time.
 */
export class KnownDigests {
  readonly #folder: string;
  readonly #known = new Map<string, string>();
  readonly #failed: (cause: unknown) => void;

  /**
   * @param folder where digests are stored, created when needed
   * @param failed called when a digest cannot be stored
   */
  constructor(folder: string, failed: (cause: unknown) => void) {
    this.#folder = folder;
    this.#failed = failed;
  }

  /** In lowercase hexadecimal. @throws the system's error for a missing file */
  sha256(file: string): Promise<string> {
    return this.digest(file, "sha256", () => sha256OfFile(file));
  }

  /**
   * Returns the stored digest, or calls `read` and stores its result. @param kind distinguishes digests of
   * one file
   */
  async digest(file: string, kind: string, read: () => Promise<string>): Promise<string> {
    const path = resolve(file);
    const before = await identify(path, kind);
    const place = this.#placeOf(path, kind);
    const known = before && (this.#known.get(before.identity) ?? (await this.#noted(place, before)));
    if (known) return known;
    const digest = await read();
    const after = await identify(path, kind);
    // The file changed while it was read, so the digest is not stored.
    if (!before || before.identity !== after?.identity) return digest;
    this.#known.set(before.identity, digest);
    if (before.bytes >= minBytes) await this.#note(place, before, digest);
    return digest;
  }

  async #noted(place: string, { identity, bytes, changed }: Identity): Promise<string | undefined> {
    if (bytes < minBytes) return undefined;
    try {
      const written = (await stat(place)).mtimeMs;
      const note = noteSchema.parse(JSON.parse(await readFile(place, "utf8")));
      const sound = note.identity === identity && note.check === checkOf(note);
      return sound && written - changed >= settledMilliseconds ? note.digest : undefined;
    } catch {
      return undefined;
    }
  }

  async #note(place: string, { identity }: Identity, digest: string): Promise<void> {
    try {
      await ensureWritableFolder(this.#folder);
      await writeAtomically(
        place,
        JSON.stringify({ identity, digest, check: checkOf({ identity, digest }) }),
      );
    } catch (cause) {
      this.#failed(cause);
    }
  }

  #placeOf(path: string, kind: string): string {
    const name = createHash("sha256").update(`${kind}\n${path}`).digest("hex").slice(0, 32);
    return join(this.#folder, `${name}.json`);
  }
}

interface Identity {
  readonly identity: string;
  readonly bytes: number;
  /** Time of the last change of any kind, in milliseconds. */
  readonly changed: number;
}

async function identify(path: string, kind: string): Promise<Identity | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (!found) return undefined;
  const { dev, ino, size, mtimeNs, ctimeNs } = found;
  return {
    identity: [kind, dev, ino, size, mtimeNs, ctimeNs].join(" "),
    bytes: Number(size),
    changed: Number(ctimeNs) / 1e6,
  };
}

function checkOf({ identity, digest }: { readonly identity: string; readonly digest: string }): string {
  return createHash("sha256").update(`${identity}\n${digest}`).digest("hex");
}
