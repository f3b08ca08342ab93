import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { ensureWritableFolder, writeAside } from "../files/write-aside.ts";
import { sha256 as hashFile } from "../weights/safetensors-file.ts";

/** Smaller files are hashed in less time than a note of them takes to be read and checked. */
const leastBytes = 2 ** 24;

/**
 * How much older a file's last change must be than the note of its digest. A change within one tick of a coarse file system's
 * clock (2 s on FAT) would otherwise leave its times as they were.
 */
const settledMilliseconds = 2000;

const noteSchema = z.object({ identity: z.string(), sha256: z.string(), check: z.string() });

/**
 * SHA-256 of files, read once. A digest is believed as long as the file is the same one and has not been touched: device,
 * inode, size, and times of the last write and of the last change of any kind. The last one is the system's own; no program can
 * set it back. What is not known is read; what cannot be noted is read again next time.
 */
export class KnownDigests {
  readonly #folder: string;
  readonly #known = new Map<string, string>();
  readonly #failed: (cause: unknown) => void;

  /**
   * @param folder where digests are noted, created when needed
   * @param failed told when a digest could not be noted
   */
  constructor(folder: string, failed: (cause: unknown) => void) {
    this.#folder = folder;
    this.#failed = failed;
  }

  /** In lower-case hexadecimal. @throws the system's own error for a file that is not there */
  async sha256(file: string): Promise<string> {
    const path = resolve(file);
    const before = await identify(path);
    const known = before && (this.#known.get(before.identity) ?? (await this.#noted(path, before)));
    if (known) return known;
    const sha256 = await hashFile({ path });
    const after = await identify(path);
    // Changed while it was read: nobody can say what the digest is of.
    if (!before || before.identity !== after?.identity) return sha256;
    this.#known.set(before.identity, sha256);
    if (before.bytes >= leastBytes) await this.#note(path, before, sha256);
    return sha256;
  }

  async #noted(path: string, { identity, bytes, changed }: Identity): Promise<string | undefined> {
    if (bytes < leastBytes) return undefined;
    const place = this.#placeOf(path);
    try {
      const written = (await stat(place)).mtimeMs;
      const note = noteSchema.parse(JSON.parse(await readFile(place, "utf8")));
      const sound = note.identity === identity && note.check === checkOf(note);
      return sound && written - changed >= settledMilliseconds ? note.sha256 : undefined;
    } catch {
      return undefined;
    }
  }

  async #note(path: string, { identity }: Identity, sha256: string): Promise<void> {
    try {
      await ensureWritableFolder(this.#folder);
      await writeAside(
        this.#placeOf(path),
        JSON.stringify({ identity, sha256, check: checkOf({ identity, sha256 }) }),
      );
    } catch (cause) {
      this.#failed(cause);
    }
  }

  #placeOf(path: string): string {
    return join(this.#folder, `${createHash("sha256").update(path).digest("hex").slice(0, 32)}.json`);
  }
}

interface Identity {
  readonly identity: string;
  readonly bytes: number;
  /** When anything of it last changed, milliseconds. */
  readonly changed: number;
}

async function identify(path: string): Promise<Identity | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (!found) return undefined;
  const { dev, ino, size, mtimeNs, ctimeNs } = found;
  return {
    identity: [dev, ino, size, mtimeNs, ctimeNs].join(" "),
    bytes: Number(size),
    changed: Number(ctimeNs) / 1e6,
  };
}

function checkOf({ identity, sha256 }: { readonly identity: string; readonly sha256: string }): string {
  return createHash("sha256").update(`${identity}\n${sha256}`).digest("hex");
}
