import { rm } from "node:fs/promises";
import { join } from "node:path";
import { explainWriteFailure } from "../files/write-aside.ts";
import type { Value, WeightSource } from "../graph/value.ts";
import type { OptimizedGraph } from "../rewrite/optimize.ts";
import { rearrangedWeights } from "../rewrite/rearranged-weights.ts";
import type { SafetensorsFile } from "../weights/safetensors-file.ts";
import { identifyTensors } from "../weights/tensor-identity.ts";
import { CacheFolder, type CacheUse } from "./cache-folder.ts";
import { KnownDigests } from "./known-digests.ts";
import {
  locateRearranged,
  placeOf,
  type Recipe,
  recipesOf,
  storedBytes,
  writeRearranged,
} from "./rearranged-file.ts";

export interface ModelCacheOptions {
  /** Created when something is to be kept. */
  readonly folder: string;
  /** Bytes that all files together may take; 20 GB when absent. */
  readonly limit?: number;
  /** Bytes from which a graph's rearranged weights are worth a file; 64 MiB when absent. */
  readonly least?: number;
  /** Told in a sentence, once a reason, why a start is slower than it could be. */
  note?(line: string): void;
}

const defaultCacheLimit = 20e9;

const nothing: ReadonlyMap<Value, WeightSource> = new Map();

/**
 * What is computed from a model's weights and is the same at every start: the digests of its files, and the turned kernels of
 * the derivative. Kept on disk, it is read where it would be computed; two processes map the same pages. Nothing depends on it:
 * whatever is missing, damaged or cannot be written is computed, and results have the same bits with it and without.
 */
export class ModelCache {
  readonly #digests: KnownDigests;
  readonly #files: CacheFolder;
  readonly #folders: readonly string[];
  readonly #least: number;
  readonly #note: (line: string) => void;
  readonly #said = new Set<string>();

  constructor({
    folder,
    limit = defaultCacheLimit,
    least = 2 ** 26,
    note = () => undefined,
  }: ModelCacheOptions) {
    const [digests, kernels] = [join(folder, "digests"), join(folder, "kernels")];
    this.#folders = [digests, kernels];
    this.#digests = new KnownDigests(digests, (cause) => this.#tell(cause));
    this.#files = new CacheFolder(kernels, limit, (path) => this.sha256(path));
    this.#least = least;
    this.#note = note;
  }

  /** SHA-256 of a file, in lower-case hexadecimal. */
  sha256(path: string): Promise<string> {
    return this.#digests.sha256(path);
  }

  /** What a file's weights are, in lower-case hexadecimal. */
  identify(file: SafetensorsFile): Promise<string> {
    return this.#digests.digest(file.path, "tensors", () => identifyTensors(file));
  }

  /** The large files; notes of digests are a few hundred bytes each. */
  use(): Promise<CacheUse> {
    return this.#files.use();
  }

  /** @returns the bytes that came free @throws VisibleError `not_writable` */
  async clear(): Promise<number> {
    const { bytes } = await this.use();
    for (const folder of this.#folders)
      await rm(folder, { recursive: true, force: true }).catch((cause: unknown) => {
        throw explainWriteFailure(folder, cause);
      });
    return bytes;
  }

  /**
   * Hands `load` what of the graph's values lies in a file, and loads again without if that fails: an entry may be thrown away
   * by another process between being found and being mapped.
   */
  async serve<Loaded>(
    graph: OptimizedGraph,
    load: (stored: ReadonlyMap<Value, WeightSource>) => Promise<Loaded>,
  ): Promise<Loaded> {
    const stored = await this.#stored(graph).catch((cause: unknown) => {
      this.#tell(cause);
      return nothing;
    });
    if (stored.size === 0) return load(nothing);
    try {
      return await load(stored);
    } catch (cause) {
      // If it was not the file's fault, this throws too, and says what there is to say.
      const loaded = await load(nothing);
      this.#tell(cause);
      return loaded;
    }
  }

  async #stored(graph: OptimizedGraph): Promise<ReadonlyMap<Value, WeightSource>> {
    const weights = rearrangedWeights(graph);
    if (weights.size === 0) return nothing;
    const { key, recipes } = await recipesOf(weights.values(), (path) => this.sha256(path));
    const sources = await this.#file(key, [...recipes.values()]);
    if (!sources) return nothing;
    return new Map(
      [...weights].map(([value, weight]) => [value, sources.get(recipes.get(placeOf(weight))!.name)!]),
    );
  }

  async #file(
    key: string,
    recipes: readonly Recipe[],
  ): Promise<ReadonlyMap<string, WeightSource> | undefined> {
    const bytes = storedBytes(recipes);
    if (bytes < this.#least) return undefined;
    const known = await this.#files.find(key);
    const located = known === undefined ? undefined : await locateRearranged(known, recipes);
    if (located) return located;
    const written = await this.#files.add(key, bytes, (path) => writeRearranged(path, recipes));
    return written === undefined ? undefined : locateRearranged(written, recipes);
  }

  #tell(cause: unknown): void {
    const reason = cause instanceof Error ? cause.message.split("\n")[0]! : String(cause);
    if (this.#said.has(reason)) return;
    this.#said.add(reason);
    this.#note(`What is kept for faster starts cannot be used, and is computed anew: ${reason}`);
  }
}
