import { estimateMemory, residentBytes } from "../graph/memory-estimate.ts";
import type { ModelCache } from "../model-cache/model-cache.ts";
import type { DeviceRewrite } from "../rewrite/cuda-rewrites.ts";
import { fuseAttention } from "../rewrite/fuse-attention.ts";
import type { OptimizedGraph } from "../rewrite/optimize.ts";
import { Session, type SessionOptions } from "../runtime/session.ts";
import { TestedRewrites } from "./tested-rewrites.ts";

/**
 * Maximum number of sessions. Each image size needs its own, so photos of many shapes would otherwise keep
 * hundreds.
 */
const maxSessions = 24;

/** Default memory limit in bytes. */
export const defaultMemory = 14e9;

interface Entry {
  readonly session: Promise<Session>;
  /** Bytes of its weights and of a run; memory of a run is kept for the next. */
  readonly bytes: number;
}

/** Compiled graphs by key, dropping the least recently used. The requested one is always kept. */
export class SessionCache {
  /** Memory limit of the sessions in bytes. */
  readonly memory: number;
  readonly #options: SessionOptions;
  readonly #onDisk: ModelCache | undefined;
  readonly #rewrites: TestedRewrites;
  /** In least-recently-used order. */
  readonly #entries = new Map<string, Entry>();

  /**
   * @param onDisk data computed from the weights by earlier processes
   * @param note called with a message once for each rewrite that the device fails
   */
  constructor(
    options: SessionOptions,
    memory = defaultMemory,
    onDisk?: ModelCache,
    note?: (line: string) => void,
  ) {
    this.memory = memory;
    this.#rewrites = new TestedRewrites(options, note, onDisk);
    this.#options = options;
    this.#onDisk = onDisk;
  }

  /** See {@link TestedRewrites.outcomes}. */
  get rewrites(): ReadonlyMap<string, string | null> {
    return this.#rewrites.outcomes;
  }

  /** @param rewrites for a graph that is not differentiated: used as far as the device passes their tests */
  async get(
    key: string,
    build: () => OptimizedGraph,
    rewrites: readonly DeviceRewrite[] = [],
  ): Promise<Session> {
    const known = this.#entries.get(key);
    if (known) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known.session;
    }
    const where = this.#options.device === "cpu" ? "cpu" : "gpu";
    const graph = fuseAttention(build(), where);
    const bytes = residentBytes(estimateMemory(graph), where);
    const room = this.#makeRoom(bytes);
    const made = { session: room.then(() => this.#create(graph, rewrites)), bytes };
    this.#entries.set(key, made);
    // A failed compilation is not cached.
    made.session.catch(() => this.#entries.delete(key));
    return made.session;
  }

  async #create(plain: OptimizedGraph, rewrites: readonly DeviceRewrite[]): Promise<Session> {
    const graph = await this.#rewrites.apply(plain, rewrites);
    return this.#onDisk
      ? this.#onDisk.serve(graph, (stored) => Session.create(graph, { ...this.#options, stored }))
      : Session.create(graph, this.#options);
  }

  async clear(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { session } of entries) await (await session).dispose();
  }

  /** Drops sessions until another of `bytes` fits. */
  async #makeRoom(bytes: number): Promise<void> {
    const dropped: Entry[] = [];
    for (const [key, entry] of this.#entries) {
      const held = [...this.#entries.values()].reduce((sum, { bytes: taken }) => sum + taken, 0);
      if (this.#entries.size < maxSessions && held + bytes <= this.memory) break;
      this.#entries.delete(key);
      dropped.push(entry);
    }
    for (const { session } of dropped) await (await session).dispose();
  }
}
