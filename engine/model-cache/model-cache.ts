import { rm } from "node:fs/promises";
import { join } from "node:path";
import { explainWriteFailure } from "../files/write-atomically.ts";
import type { Value, WeightSource } from "../graph/value.ts";
import type { OptimizedGraph } from "../rewrite/optimize.ts";
import { rearrangedWeights } from "../rewrite/rearranged-weights.ts";
import type { SafetensorsFile } from "../weights/safetensors-file.ts";
import { identifyTensors } from "../weights/tensor-identity.ts";
import { CacheFolder, type CacheUse } from "./cache-folder.ts";
import { KnownDigests } from "./known-digests.ts";
import { KnownResults } from "./known-results.ts";
import {
  locateRearranged,
  placeOf,
  type Recipe,
  recipesOf,
  storedBytes,
  writeRearranged,
} from "./rearranged-file.ts";

export interface ModelCacheOptions {
  /** Created when needed. */
  readonly folder: string;
  /** Maximum total size in bytes; 20 GB when absent. */
  readonly limit?: number;
  /** Minimum size in bytes of a graph's rearranged weights to be stored; 64 MiB when absent. */
  readonly least?: number;
  /** Called with a message, once per reason, when the cache cannot be used. */
  note?(line: string): void;
}

const defaultCacheLimit = 20e9;

const nothing: ReadonlyMap<Value, WeightSource> = new Map();

/**
 * Cache of data computed from a model's weights: digests of its files, rotated kernels of the derivative, and
 * weights in 8-bit integers.
 * Processes map the same files. Anything missing, damaged or unwritable is recomputed, and results have the
 * same bits with and without the cache.
 */
export class ModelCache {
  readonly #digests: KnownDigests;
  readonly #results: KnownResults;
  readonly #files: CacheFolder;
  readonly #folders: readonly string[];
  readonly #least: number;
  readonly #note: (line: string) => void;
  readonly #warned = new Set<string>();

  constructor({
    folder,
    limit = defaultCacheLimit,
    least = 2 ** 26,
    note = () => undefined,
  }: ModelCacheOptions) {
    const [digests, kernels, results] = [
      join(folder, "digests"),
      join(folder, "kernels"),
      join(folder, "results"),
    ];
    this.#folders = [digests, kernels, results];
    this.#results = new KnownResults(results, (cause) => this.#warn(cause));
    this.#digests = new KnownDigests(digests, (cause) => this.#warn(cause));
    this.#files = new CacheFolder(kernels, limit, (path) => this.sha256(path));
    this.#least = least;
    this.#note = note;
  }

  /** SHA-256 of a file, in lowercase hexadecimal. */
  sha256(path: string): Promise<string> {
    return this.#digests.sha256(path);
  }

  /** Identity of a file's weights, in lowercase hexadecimal. */
  identify(file: SafetensorsFile): Promise<string> {
    return this.#digests.digest(file.path, "tensors", () => identifyTensors(file));
  }

  /** See {@link KnownResults.get}. */
  remember(key: string, compute: () => Promise<string>): Promise<string> {
    return this.#results.get(key, compute);
  }

  /** Number and size of the large files, without the digests of a few hundred bytes each. */
  use(): Promise<CacheUse> {
    return this.#files.use();
  }

  /** @returns the bytes freed @throws VisibleError `not_writable` */
  async clear(): Promise<number> {
    const { bytes } = await this.use();
    for (const folder of this.#folders)
      await rm(folder, { recursive: true, force: true }).catch((cause: unknown) => {
        throw explainWriteFailure(folder, cause);
      });
    return bytes;
  }

  /**
   * Calls `load` with the values that are stored in a file, and again without them if that fails, because
   * another process may delete an entry before it is mapped.
   */
  async serve<Loaded>(
    graph: OptimizedGraph,
    load: (stored: ReadonlyMap<Value, WeightSource>) => Promise<Loaded>,
  ): Promise<Loaded> {
    const stored = await this.#stored(graph).catch((cause: unknown) => {
      this.#warn(cause);
      return nothing;
    });
    if (stored.size === 0) return load(nothing);
    try {
      return await load(stored);
    } catch (cause) {
      // If the stored values were not the cause, this throws the actual error.
      const loaded = await load(nothing);
      this.#warn(cause);
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

  #warn(cause: unknown): void {
    const reason = cause instanceof Error ? cause.message.split("\n")[0]! : String(cause);
    if (this.#warned.has(reason)) return;
    this.#warned.add(reason);
    this.#note(`The model cache cannot be used and its data is recomputed: ${reason}`);
  }
}
