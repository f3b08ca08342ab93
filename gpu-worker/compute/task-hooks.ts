import type { TaskEvent } from "./protocol.ts";

export type Emit = (event: TaskEvent) => Promise<void>;

/** What the parent has canceled. */
export interface Canceled {
  /** The whole task. */
  readonly signal: AbortSignal;
  /** Canceled parts of an edit task. */
  readonly parts: ReadonlySet<number>;
}

/**
 * Lets the event loop receive the parent's messages, because the engine's steps never leave the microtask
 * queue.
 */
export const yieldToEventLoop = () => new Promise<void>((resolve) => setImmediate(resolve));
