/** A sample is signal · x₀ + noise · ε. */
export interface NoiseLevel {
  readonly signal: number;
  readonly noise: number;
}

/** What a step leaves to those after it: its estimate of x₀, and the sample that it went on from. */
export interface PastStep {
  readonly clean: Float32Array;
  readonly sample: Float32Array;
}

/**
 * One sampling run. It holds no state: every method takes the index of the step, so a run can start or be resumed anywhere.
 * Solvers that look back read and write the `history` that the caller keeps, the latest step first.
 */
export interface Scheduler {
  /** What the model is told at each evaluation, falling; may be fractional. Heun's solver evaluates twice at most of them. */
  readonly timesteps: readonly number[];
  /** Evaluations of every step but the last: step k begins with evaluation k · this. */
  readonly evaluationsPerStep: 1 | 2;
  /** Of the sample before each evaluation, and after the last. */
  readonly levels: readonly NoiseLevel[];
  /** Standard deviation of the noise the first sample is. */
  readonly initNoiseSigma: number;
  /** The sample as the model takes it at step `index`. */
  scaleModelInput(sample: Float32Array, index: number): Float32Array;
  /**
   * The next sample. `modelOutput` is the (guided) prediction of the config's prediction type; `noise` gives standard
   * normal values of the sample's size, and is called at most once, by samplers that add noise at this step. A solver whose
   * `history` is empty takes a step of first order.
   */
  step(
    modelOutput: Float32Array,
    index: number,
    sample: Float32Array,
    noise?: () => Float32Array,
    history?: PastStep[],
  ): Float32Array;
}
