/** A scheduled event, which can be canceled. */
export interface ScheduledEvent {
  readonly at: number;
  canceled: boolean;
}

interface Entry extends ScheduledEvent {
  readonly order: number;
  readonly run: () => void;
}

/**
 * Simulated time. Events run in the order of their times, events of one time in the order in which they were
 * scheduled. A binary heap.
 */
export class EventQueue {
  readonly #heap: Entry[] = [];
  #scheduled = 0;
  /** Seconds since the start. */
  now = 0;

  /** @param at seconds since the start; a time in the past means now */
  schedule(at: number, run: () => void): ScheduledEvent {
    const entry: Entry = { at: Math.max(at, this.now), order: this.#scheduled++, run, canceled: false };
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
    return entry;
  }

  /** Runs all events up to `until`. */
  runUntil(until: number): void {
    for (let next = this.#heap[0]; next && next.at <= until; next = this.#heap[0]) {
      this.#removeFirst();
      if (next.canceled) continue;
      this.now = next.at;
      next.run();
    }
    this.now = until;
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || !this.#heap.length) return;
    this.#heap[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const child = this.#before(right, left) ? right : left;
      if (!this.#before(child, at)) return;
      this.#swap(at, child);
      at = child;
    }
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #before(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (!first || !second) return first !== undefined;
    return first.at - second.at < 0 || (first.at === second.at && first.order < second.order);
  }

  #swap(a: number, b: number): void {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b]!, this.#heap[a]!];
  }
}
