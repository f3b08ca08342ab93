/** Sorted strings. Adding near the end, as times and IDs do, moves few others. */
export class SortedKeys {
  readonly #keys: string[] = [];

  add(key: string): void {
    this.#keys.splice(this.#place(key), 0, key);
  }

  delete(key: string): void {
    const place = this.#place(key);
    if (this.#keys[place] === key) this.#keys.splice(place, 1);
  }

  /** Keys with a prefix, after `low` and before `high`. */
  between(prefix: string, low: string | undefined, high: string | undefined): string[] {
    const first = low !== undefined && low >= prefix ? this.#place(`${low}\u0000`) : this.#place(prefix);
    const end = this.#place(`${prefix}\uffff`);
    const last = high === undefined ? end : Math.min(end, this.#place(high));
    return this.#keys.slice(first, Math.max(first, last));
  }

  /** Index of the first key that is not before this one. */
  #place(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
