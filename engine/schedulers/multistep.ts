import { VisibleError } from "../errors.ts";
import type { NoiseLevel, Scheduler } from "./scheduler.ts";
import { preservingLevel } from "./sigmas.ts";

/*
 * Notation (C. Lu et al., "DPM-Solver++", 2022; W. Zhao et al., "UniPC", 2023):
 *
 *   level   αₜ (signal), σₜ (noise) of a variance-preserving sample xₜ = αₜ x₀ + σₜ ε
 *   λ       log(αₜ / σₜ)                         h = λₜ − λₛ, the step in it from s to t
 *   clean   m, the model's estimate of x₀        ratio  h₋₁ / h, the step before over this one
 */

/** @throws VisibleError `invalid_steps` */
export function requireOrder(name: string, steps: number): void {
  if (steps === 1)
    throw new VisibleError(
      "invalid_steps",
      `${name} is a multistep sampler and needs at least 2 steps, not 1.`,
    );
}

/** The common part of multistep solvers over variance-preserving samples. @param sigmas with the final 0 */
export function preserving(timesteps: readonly number[], sigmas: readonly number[]): Omit<Scheduler, "step"> {
  return {
    timesteps,
    evaluationsPerStep: 1,
    levels: sigmas.map(preservingLevel),
    initNoiseSigma: 1,
    scaleModelInput: (sample) => sample,
  };
}

export const halfLogSnr = ({ signal, noise }: NoiseLevel): number => Math.log(signal / noise);

/** The sample at level `to`, from one at `from`, if the estimate of x₀ stayed `clean`. */
export function follow(
  sample: Float32Array,
  from: NoiseLevel,
  to: NoiseLevel,
  clean: (index: number) => number,
): Float32Array {
  const ratio = to.noise / from.noise;
  // e^(−h)
  const decay = (to.noise / to.signal) * (from.signal / from.noise);
  const weight = to.signal * (1 - decay);
  return sample.map((x, i) => ratio * x + weight * clean(i));
}

/**
 * The second-order step from `levels[index]`, with the estimate extrapolated from the previous step to the
 * middle of this one. The first and the last step are of first order: the first has no previous one, and at
 * the end the noise is 0 and λ infinite.
 */
export function extrapolatedStep(
  levels: readonly NoiseLevel[],
  index: number,
  sample: Float32Array,
  clean: Float32Array,
  before: Float32Array | undefined,
): Float32Array {
  const [from, to] = [levels[index]!, levels[index + 1]!];
  if (!before || to.noise === 0) return follow(sample, from, to, (i) => clean[i]!);
  const ratio = (halfLogSnr(from) - halfLogSnr(levels[index - 1]!)) / (halfLogSnr(to) - halfLogSnr(from));
  return follow(sample, from, to, (i) => clean[i]! + (clean[i]! - before[i]!) / (2 * ratio));
}
