/** A sample is signal · x₀ + noise · ε. */
export interface NoiseLevel {
  readonly signal: number;
  readonly noise: number;
}

/** Result of a step that later steps use: its estimate of x₀, and the sample that it started from. */
export interface PastStep {
  readonly clean: Float32Array;
  readonly sample: Float32Array;
}

/**
 * A sampling run. It is stateless: methods take the index of the step, so a run can start or resume anywhere.
 * Multistep solvers read and write the caller's `history`, the latest step first.
 */
export interface Scheduler {
  /**
   * The timestep of each evaluation, descending; may be fractional. Heun's solver evaluates most of them
   * twice.
   */
  readonly timesteps: readonly number[];
  /** Evaluations of every step except the last: step k starts with evaluation k · this. */
  readonly evaluationsPerStep: 1 | 2;
  /** Noise levels of the sample before each evaluation, and after the last. */
  readonly levels: readonly NoiseLevel[];
  /** Standard deviation of the initial noise. */
  readonly initNoiseSigma: number;
  /** Scales the sample for the model at step `index`. */
  scaleModelInput(sample: Float32Array, index: number): Float32Array;
  /**
   * The next sample. `modelOutput` is the (guided) prediction of the config's prediction type; `noise` gives
   * standard normal values of the sample's size, and is called at most once, by samplers that add noise at
   * this step. A solver whose `history` is empty makes a first-order step.
   */
  step(
    modelOutput: Float32Array,
    index: number,
    sample: Float32Array,
    noise?: () => Float32Array,
    history?: PastStep[],
  ): Float32Array;
}
