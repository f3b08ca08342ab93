import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Clock } from "../../shared/ports/clock.ts";
import { RetryableError, VisibleError } from "../errors.ts";
import { explainWriteFailure } from "../files/write-atomically.ts";
import { hashFile, startHash } from "./checksum.ts";
import type { Hub, HubFile } from "./hub.ts";

/** Pauses in ms before the retries of a download that makes no progress. */
const pauses = [500, 1000, 2000, 4000, 8000];

/** Milliseconds without data after which a connection counts as broken. */
const idleTimeout = 60_000;

interface DownloadSource {
  readonly hub: Hub;
  /** `owner/name`. */
  readonly name: string;
  readonly commit: string;
  readonly file: HubFile;
}

interface DownloadOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called with the number of bytes received; negative if received bytes are discarded. */
  readonly onBytes: (count: number) => void;
}

/**
 * Downloads a file atomically. A partial file is stored beside it under a name derived from its content, and
 * a retry resumes from it, also in a later process.
 *
 * @throws VisibleError `hub_unreachable` after the last retry, `wrong_checksum`, `not_writable`, and the
 * errors of {@link Hub}
 */
export async function downloadFile(
  source: DownloadSource,
  path: string,
  options: DownloadOptions,
): Promise<void> {
  const { file } = source;
  const { clock, signal } = options;
  const partial = partialPath(path, file);
  await makeFolder(dirname(path));
  let failures = 0;
  let spoiled = 0;
  while (true) {
    signal.throwIfAborted();
    const before = await sizeOf(partial);
    try {
      if (await fetchRest(source, partial, options)) break;
      spoiled++;
      if (spoiled === 2) throw wrongChecksum(source);
    } catch (error) {
      if (!(error instanceof RetryableError)) throw error;
      failures = (await sizeOf(partial)) > before ? 0 : failures + 1;
      const pause = pauses[failures];
      if (pause === undefined) throw usedUp(source, error);
      await clock.sleep(pause, signal);
    }
  }
  try {
    await rename(partial, path);
  } catch (cause) {
    throw explainWriteFailure(path, cause);
  }
}

/** Path of a partial file. It depends on the content, so that two revisions never mix. */
export function partialPath(path: string, { checksum }: HubFile): string {
  return join(dirname(path), `.${basename(path)}.${checksum.hex.slice(0, 16)}.partial`);
}

/** Resolves with true if the content matches the checksum. Otherwise the file is deleted. */
async function fetchRest(
  { hub, name, commit, file }: DownloadSource,
  partial: string,
  { clock, signal, onBytes }: DownloadOptions,
): Promise<boolean> {
  let have = await sizeOf(partial);
  let hash = startHash(file.checksum.algorithm, file.size);
  await hashFile(partial, Math.min(have, file.size), hash, signal);
  if (have < file.size) {
    const attempt = new Attempt(clock, signal);
    try {
      const content = await attempt.soon(hub.open(name, commit, file.path, have, attempt.signal));
      if (content.start !== have) {
        onBytes(-have);
        have = 0;
        hash = startHash(file.checksum.algorithm, file.size);
      }
      const handle = await openPartial(partial, have > 0);
      try {
        const pieces = content.bytes[Symbol.asyncIterator]();
        while (true) {
          const piece = await attempt.soon(pieces.next());
          if (piece.done) break;
          hash.update(piece.value);
          await writePiece(handle, partial, piece.value);
          have += piece.value.byteLength;
          onBytes(piece.value.byteLength);
          if (have > file.size) break;
        }
        await handle.sync();
      } finally {
        await handle.close();
      }
    } finally {
      attempt.end();
    }
    if (have < file.size) throw new RetryableError(`the download ended after ${have} of ${file.size} bytes.`);
  }
  if (have === file.size && hash.digest("hex") === file.checksum.hex) return true;
  await rm(partial, { force: true });
  onBytes(-have);
  return false;
}

/** One connection. An idle timeout or a broken connection becomes a RetryableError. */
class Attempt {
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #outer: AbortSignal;
  readonly signal: AbortSignal;

  constructor(clock: Clock, outer: AbortSignal) {
    this.#clock = clock;
    this.#outer = outer;
    this.signal = AbortSignal.any([outer, this.#controller.signal]);
  }

  async soon<T>(promise: Promise<T>): Promise<T> {
    const arrived = new AbortController();
    const waiting = this.#clock.sleep(idleTimeout, arrived.signal).then(() => {
      if (!arrived.signal.aborted)
        this.#controller.abort(new RetryableError(`no data for ${idleTimeout / 1000} s.`));
    });
    try {
      return await promise;
    } catch (cause) {
      this.#outer.throwIfAborted();
      if (cause instanceof RetryableError || cause instanceof VisibleError) throw cause;
      throw new RetryableError("the connection was lost.", { cause });
    } finally {
      arrived.abort();
      await waiting;
    }
  }

  end(): void {
    this.#controller.abort();
  }
}

async function writePiece(handle: FileHandle, path: string, bytes: Uint8Array): Promise<void> {
  try {
    await handle.writeFile(bytes);
  } catch (cause) {
    throw explainWriteFailure(path, cause);
  }
}

async function openPartial(partial: string, append: boolean) {
  try {
    return await open(partial, append ? "a" : "w");
  } catch (cause) {
    throw explainWriteFailure(partial, cause);
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw explainWriteFailure(folder, cause);
  }
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

function wrongChecksum({ hub, name, file }: DownloadSource): VisibleError {
  return new VisibleError(
    "wrong_checksum",
    `${name}/${file.path} was received twice with content that does not match the checksum of ${hub.endpoint} ` +
      `(${file.checksum.algorithm} ${file.checksum.hex.slice(0, 12)}…); a proxy may change it. The file was deleted.`,
  );
}

function usedUp({ name, file }: DownloadSource, error: RetryableError): VisibleError {
  return new VisibleError(
    "hub_unreachable",
    `${name}/${file.path} could not be downloaded: ${error.message} The partial file is kept; run the same command to resume.`,
    { cause: error },
  );
}
