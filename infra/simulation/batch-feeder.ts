import type { EventQueue } from "./event-queue.ts";

export interface BatchRules {
  /** Lines of a batch that are with the queue at a time. */
  readonly window: number;
  /** Most lines handed in at one look. */
  readonly handful: number;
  /** Seconds between two looks at a running batch. */
  readonly lookEvery: number;
}

/** Hands in the lines of one batch as `functions/batches/advance-batch.ts` does: never more than the window is out. */
export function feedBatch(
  events: EventQueue,
  { window, handful, lookEvery }: BatchRules,
  { lines, at }: { readonly lines: number; readonly at: number },
  ports: { submit(): void; settled(): number },
): void {
  let submitted = 0;
  const look = () => {
    const until = Math.min(lines, submitted + handful, ports.settled() + window);
    for (; submitted < until; submitted++) ports.submit();
    if (submitted < lines) events.schedule(events.now + lookEvery, look);
  };
  events.schedule(at, look);
}
