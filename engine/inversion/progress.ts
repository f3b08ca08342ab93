import type { RgbImage } from "../images/rgb-image.ts";

export interface InversionEvent {
  readonly stage: "prepare" | "prepare_samples" | "learn";
  /** Completed steps, out of `steps` in this stage. */
  readonly step: number;
  readonly steps: number;
  /** Loss of this step's batch. */
  readonly loss?: number;
  /** Loss on the fixed validation samples, if it was computed at this step. */
  readonly validation?: number;
  /** Seconds to the end of the stage; while samples are prepared, to the end of learning. */
  readonly etaSeconds?: number;
  /**
   * The first pair's before image edited by the current instruction; in stage `prepare`, by the initial one.
   */
  readonly preview?: RgbImage;
}

/** Monotonic time in seconds. */
export type HeartbeatClock = () => number;

type Listener = (event: InversionEvent) => void | Promise<void>;

/** Emits events with an estimate of the remaining time. */
export class Progress {
  readonly #onEvent: Listener | undefined;
  readonly #clock: HeartbeatClock;
  #stage: InversionEvent["stage"] = "prepare";
  #step = 0;
  #steps = 0;
  #later = 0;
  #first = 0;
  #started = 0;
  #warm = 0;

  constructor(onEvent: Listener | undefined, clock?: HeartbeatClock) {
    this.#onEvent = onEvent;
    this.#clock = clock ?? (() => performance.now() / 1000);
  }

  /**
   * Starts a stage of `steps`, of which `done` are already completed (in a resumed run).
   *
   * @param later work after the stage, in units of its steps, included in the remaining time
   */
  async enter(stage: InversionEvent["stage"], steps: number, { done = 0, later = 0 } = {}): Promise<void> {
    this.#stage = stage;
    this.#steps = steps;
    this.#later = later;
    this.#step = done;
    this.#first = done;
    this.#started = this.#clock();
    await this.#onEvent?.({ stage, step: done, steps });
  }

  async advance(details: Pick<InversionEvent, "loss" | "validation" | "preview"> = {}): Promise<void> {
    this.#step += 1;
    const [now, done] = [this.#clock(), this.#step - this.#first];
    // The first step of a stage also loads models.
    if (done === 1) this.#warm = now;
    const perStep = done === 1 ? now - this.#started : (now - this.#warm) / (done - 1);
    const etaSeconds = perStep * (this.#steps - this.#step + this.#later);
    await this.#onEvent?.({
      stage: this.#stage,
      step: this.#step,
      steps: this.#steps,
      etaSeconds,
      ...details,
    });
  }
}
