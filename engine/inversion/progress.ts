import type { RgbImage } from "../images/rgb-image.ts";

export interface InversionEvent {
  readonly stage: "prepare" | "prepare_samples" | "learn";
  /** Done so far, of `steps` in this stage. */
  readonly step: number;
  readonly steps: number;
  /** Of this step's batch. */
  readonly loss?: number;
  /** On the fixed validation samples, where it was taken at this step. */
  readonly validation?: number;
  /** To the end of the stage; while frozen branches are evaluated to the end of learning. */
  readonly etaSeconds?: number;
  /** The first pair's before image, edited by the instruction as it stands; in the stage `prepare` by the one that learning starts from. */
  readonly preview?: RgbImage;
}

/** Seconds since some fixed moment. */
export type HeartbeatClock = () => number;

type Listener = (event: InversionEvent) => void | Promise<void>;

/** Turns steps done into events with an estimate of the time left. */
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
   * Begins a stage of `steps`, of which `done` lie behind (a resumed run).
   *
   * @param later what comes after the stage, in its steps; counted into the time left
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
    // A stage's first step also loads what the others use.
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
