import type { Graph } from "../graph/value.ts";
import { weightBytes } from "../graph/weights-of.ts";
import { Session, type SessionOptions } from "../runtime/session.ts";

/** A session is one size of one graph; a folder of photos of every shape would otherwise keep hundreds. */
const maximumSessions = 24;

/** Each session holds its own packed copy of the weights it reads; beyond this many bytes of them the oldest goes. */
const maximumWeightBytes = 6 * 2 ** 30;

interface Entry {
  readonly session: Promise<Session>;
  readonly weightBytes: number;
}

/** Compiled graphs by key, the least recently used dropped first. The one asked for is always kept. */
export class SessionCache {
  readonly #options: SessionOptions;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  async get(key: string, build: () => Graph): Promise<Session> {
    const known = this.#entries.get(key);
    if (known) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known.session;
    }
    const graph = build();
    const made = { session: Session.create(graph, this.#options), weightBytes: weightBytes(graph) };
    this.#entries.set(key, made);
    // A graph that did not compile is asked for anew, not remembered as a failure.
    made.session.catch(() => this.#entries.delete(key));
    await this.#makeRoom(key);
    return made.session;
  }

  async clear(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { session } of entries) await (await session).dispose();
  }

  async #makeRoom(keep: string): Promise<void> {
    for (const [key, { session }] of this.#entries) {
      const bytes = [...this.#entries.values()].reduce((sum, entry) => sum + entry.weightBytes, 0);
      if (this.#entries.size <= maximumSessions && bytes <= maximumWeightBytes) return;
      if (key === keep) continue;
      this.#entries.delete(key);
      await (await session).dispose();
    }
  }
}
