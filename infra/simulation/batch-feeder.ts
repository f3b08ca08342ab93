import type { EventQueue } from "./event-queue.ts";

export interface BatchRules {
  /** Maximum lines of a batch that are queued or running. */
  readonly window: number;
  /** Maximum lines submitted per advance. */
  readonly linesPerPass: number;
  /** Seconds between two advances. */
  readonly period: number;
}

/** Submits the lines of one batch as `functions/batches/advance-batch.ts` does, never more than the window. */
export function feedBatch(
  events: EventQueue,
  { window, linesPerPass, period }: BatchRules,
  { lines, at }: { readonly lines: number; readonly at: number },
  ports: { submit(): void; settled(): number },
): void {
  let submitted = 0;
  const advance = () => {
    const until = Math.min(lines, submitted + linesPerPass, ports.settled() + window);
    for (; submitted < until; submitted++) ports.submit();
    if (submitted < lines) events.schedule(events.now + period, advance);
  };
  events.schedule(at, advance);
}
