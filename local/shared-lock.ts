interface Waiting {
  readonly exclusive: boolean;
  start(): void;
}

/** A fair readers-writer lock. */
export class SharedLock {
  readonly #queue: Waiting[] = [];
  #holders = 0;
  #exclusive = false;

  /** Acquires a shared lock. Resolves with its release function. */
  shared(): Promise<() => void> {
    return this.#take(false);
  }

  /** Acquires an exclusive lock. Resolves with its release function. */
  exclusive(): Promise<() => void> {
    return this.#take(true);
  }

  #take(exclusive: boolean): Promise<() => void> {
    return new Promise((resolve) => {
      const start = () => {
        this.#holders++;
        this.#exclusive = exclusive;
        resolve(() => {
          this.#holders--;
          this.#next();
        });
      };
      this.#queue.push({ exclusive, start });
      this.#next();
    });
  }

  #next(): void {
    for (let first = this.#queue[0]; first; first = this.#queue[0]) {
      if (this.#holders && (first.exclusive || this.#exclusive)) return;
      this.#queue.shift();
      first.start();
    }
  }
}
