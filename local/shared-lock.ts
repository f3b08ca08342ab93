interface Waiting {
  readonly exclusive: boolean;
  start(): void;
}

/** Held by many at once or by one alone, in the order of asking. */
export class SharedLock {
  readonly #queue: Waiting[] = [];
  #holders = 0;
  #exclusive = false;

  /** Resolves with what gives it back. */
  shared(): Promise<() => void> {
    return this.#take(false);
  }

  /** The same, once nobody else holds it. */
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
