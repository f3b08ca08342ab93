import { SeededRandom } from "../random/seeded-random.ts";
import { cutIntoBatches } from "./batch.ts";
import type { Sample } from "./samples.ts";
import type { InversionSettings } from "./settings.ts";

/** The samples of each step: every epoch visits all of them, in its own order. */
export class BatchOrder {
  readonly #training: readonly Sample[];
  readonly #settings: InversionSettings;
  #epoch = -1;
  #batches: Sample[][] = [];

  constructor(training: readonly Sample[], settings: InversionSettings) {
    this.#training = training;
    this.#settings = settings;
    this.#open(0);
  }

  at(step: number): readonly Sample[] {
    this.#open(Math.floor(step / this.#batches.length));
    return this.#batches[step % this.#batches.length]!;
  }

  #open(epoch: number): void {
    if (epoch === this.#epoch) return;
    const { seed, batchSize } = this.#settings;
    const order = new SeededRandom(seed, "order", epoch).permutation(this.#training.length);
    this.#batches = cutIntoBatches(
      order.map((index) => this.#training[index]!),
      batchSize,
    );
    this.#epoch = epoch;
  }
}
