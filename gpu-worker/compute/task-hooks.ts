import type { TaskEvent } from "./protocol.ts";

export type Emit = (event: TaskEvent) => Promise<void>;

/** What the parent has canceled so far. */
export interface Canceled {
  /** The whole task. */
  readonly signal: AbortSignal;
  /** Parts of an edit task that nobody waits for any more. */
  readonly parts: ReadonlySet<number>;
}

/** Lets messages from the parent in: the engine's steps are promises that never leave the microtask queue. */
export const yieldToEventLoop = () => new Promise<void>((resolve) => setImmediate(resolve));
