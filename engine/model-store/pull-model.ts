import { readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { defined } from "../../shared/defined.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import { RetryableError, VisibleError } from "../errors.ts";
import { hasChecksum } from "./checksum.ts";
import { type ChosenFile, chooseClipFiles, chooseModelFiles } from "./choose-files.ts";
import { requireRoom } from "./disk-room.ts";
import { downloadFile, partialPath } from "./download-file.ts";
import { Hub, type HubFile, type HubOptions } from "./hub.ts";
import { type PullRecord, readPullRecord, writePullRecord } from "./pulled-model.ts";

export interface PullOptions extends HubOptions {
  /** `owner/name`. */
  readonly name: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** Destination folder of the model. */
  readonly folder: string;
  /** `fp16`: weights in half precision, if the repository has separate ones. */
  readonly variant?: string;
  /** CLIP model for the direction loss, if the model has none; `none` skips it. */
  readonly clip: string | "none";
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Checks a parsed `model_index.json` before any file is chosen; an error stops the pull. */
  readonly checkIndex: (index: unknown, name: string) => void;
  /**
   * Checks the model folder after its configs are downloaded and before its weights are; an error stops the
   * pull.
   */
  readonly check: (folder: string) => Promise<void>;
  readonly onProgress?: (state: PullProgress) => void;
}

interface PullProgress {
  readonly file: string;
  /** Bytes of the whole pull, including those of earlier pulls. */
  readonly bytes: number;
  readonly total: number;
}

export interface PulledModel {
  readonly commit: string;
  readonly files: number;
  readonly bytes: number;
  /** Bytes that were downloaded; 0 if everything was present. */
  readonly fetched: number;
}

interface Wanted extends ChosenFile {
  readonly name: string;
  readonly commit: string;
}

/**
 * The text tower of openai/clip-vit-large-patch14 is Stable Diffusion 1's text encoder, so the loss uses the
 * same text embedding as the model.
 */
export const defaultClip = "openai/clip-vit-large-patch14";

/** Pauses in ms before the retries of a Hub API request. */
const pauses = [500, 1500, 4000];

/** Files up to this size, such as configs, are downloaded before the disk space is checked. */
const smallFile = 16e6;

/**
 * Downloads a model in diffusers layout: only the files that the engine reads, each verified against the
 * Hub's checksum. An interrupted pull is resumed by the next one. The record that marks the folder as
 * complete is written last.
 *
 * @throws VisibleError that describes the problem with the ID, access, repository, disk or connection
 */
export async function pullModel(options: PullOptions): Promise<PulledModel> {
  const { folder, name, revision, variant, clock, signal } = options;
  const hub = new Hub(options);
  const ask = <T>(question: () => Promise<T>) => persist(question, options);
  const commit = await ask(() => hub.commit(name, revision, signal));
  const listing = await ask(() => hub.files(name, commit, signal));
  const known = await readPullRecord(folder);
  await checkIndex(hub, listing, commit, known, options, ask);
  const choice = { subject: name, ...defined({ variant }) };
  const wanted: Wanted[] = chooseModelFiles(listing, choice).map((file) => ({ ...file, name, commit }));
  if (options.clip !== "none" && !wanted.some(({ target }) => target.startsWith("clip/")))
    wanted.push(...(await clipFiles(hub, options.clip, options, ask)));

  const missing: Wanted[] = [];
  for (const file of wanted) if (!(await isPresent(folder, file, known, signal))) missing.push(file);
  const total = wanted.reduce((sum, { size }) => sum + size, 0);
  let toCome = await bytesToCome(folder, missing);
  let fetched = 0;

  const fetchAll = async (files: readonly Wanted[]) => {
    for (const file of files) {
      const report = () => options.onProgress?.({ file: file.target, bytes: total - toCome, total });
      report();
      await downloadFile({ hub, name: file.name, commit: file.commit, file }, join(folder, file.target), {
        clock,
        signal,
        onBytes: (count) => {
          toCome -= count;
          if (count > 0) fetched += count;
          report();
        },
      });
    }
  };
  const small = missing.filter(({ size }) => size <= smallFile);
  await fetchAll(small.filter(({ target }) => target.endsWith(".json")));
  await options.check(folder);
  await requireRoom(folder, toCome);
  await fetchAll(missing.filter(({ target, size }) => !(size <= smallFile && target.endsWith(".json"))));

  await removeLeftovers(folder, wanted);
  await writePullRecord(folder, recordOf(options, commit, wanted));
  return { commit, files: wanted.length, bytes: total, fetched };
}

/**
 * Rejects an unsupported model by its family, before its missing files are reported. A file that an earlier
 * pull wrote has already been checked.
 */
async function checkIndex(
  hub: Hub,
  listing: readonly HubFile[],
  commit: string,
  known: PullRecord | undefined,
  { name, folder, signal, checkIndex: check }: PullOptions,
  ask: <T>(question: () => Promise<T>) => Promise<T>,
): Promise<void> {
  const file = listing.find(({ path }) => path === "model_index.json");
  if (!file || file.size > smallFile) return;
  if (await isPresent(folder, { ...file, target: file.path }, known, signal)) return;
  const text = await ask(async () => {
    const { bytes } = await hub.open(name, commit, file.path, 0, signal);
    const parts: Uint8Array[] = [];
    try {
      for await (const part of bytes) parts.push(part);
    } catch (cause) {
      signal.throwIfAborted();
      throw new RetryableError(`The connection broke while ${file.path} of ${name} was read.`, { cause });
    }
    return Buffer.concat(parts).toString();
  });
  let index: unknown;
  try {
    index = JSON.parse(text);
  } catch (cause) {
    throw new VisibleError("invalid_config", `model_index.json of ${name} is not valid JSON.`, { cause });
  }
  check(index, name);
}

async function clipFiles(
  hub: Hub,
  clip: string,
  { signal }: PullOptions,
  ask: <T>(question: () => Promise<T>) => Promise<T>,
): Promise<Wanted[]> {
  const commit = await ask(() => hub.commit(clip, "main", signal));
  const listing = await ask(() => hub.files(clip, commit, signal));
  return chooseClipFiles(listing, clip).map((file) => ({ ...file, name: clip, commit }));
}

/** Retries temporary failures a few times. */
async function persist<T>(question: () => Promise<T>, { clock, signal, folder }: PullOptions): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await question();
    } catch (error) {
      if (!(error instanceof RetryableError)) throw error;
      const pause = pauses[attempt];
      if (pause === undefined)
        throw new VisibleError(
          "hub_unreachable",
          `${error.message} Without a connection, use --model DIR with a folder downloaded elsewhere` +
            `${(await readPullRecord(folder)) ? `; ${folder} is complete from an earlier pull` : ""}.`,
          { cause: error },
        );
      await clock.sleep(pause, signal);
      signal.throwIfAborted();
    }
  }
}

/**
 * By the record if it lists the file, else by content, for a pull that was interrupted before it wrote a
 * record.
 */
async function isPresent(
  folder: string,
  { target, size, checksum }: ChosenFile,
  known: PullRecord | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const path = join(folder, target);
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile() || found.size !== size) return false;
  const recorded = known?.files.find((file) => file.path === target);
  return recorded ? recorded.hex === checksum.hex : hasChecksum(path, size, checksum, signal);
}

async function bytesToCome(folder: string, missing: readonly Wanted[]): Promise<number> {
  let sum = 0;
  for (const file of missing) {
    const begun = await stat(partialPath(join(folder, file.target), file)).catch(() => undefined);
    sum += file.size - Math.min(file.size, begun?.size ?? 0);
  }
  return sum;
}

/** Deletes partial files that are no longer needed, for example of an older commit. */
async function removeLeftovers(folder: string, wanted: readonly Wanted[]): Promise<void> {
  for (const part of new Set(wanted.map(({ target }) => dirname(target))))
    for (const name of await readdir(join(folder, part)))
      if (name.startsWith(".") && name.endsWith(".partial")) await rm(join(folder, part, name));
}

function recordOf(
  { name, revision, endpoint, variant }: PullOptions,
  commit: string,
  wanted: readonly Wanted[],
): PullRecord {
  return {
    name,
    revision,
    commit,
    endpoint,
    ...defined({ variant }),
    files: wanted.map((file) => ({
      path: file.target,
      size: file.size,
      ...file.checksum,
      from: `${file.name}@${file.commit}`,
    })),
  };
}
