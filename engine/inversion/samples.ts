import type { Latents } from "../pipeline/pipeline.ts";
import { SeededRandom } from "../random/seeded-random.ts";
import { noiseLabel, trainingNoise } from "../random/training-noise.ts";
import type { NoiseSchedule } from "../schedulers/noise-schedule.ts";

/** One before/after pair in latent space. */
export interface LatentPair {
  /** c_I: the condition, unscaled. */
  readonly before: Latents;
  /** z_0: the target, scaled. */
  readonly after: Latents;
}

/** A fixed training or validation sample: all inputs of an L_mse term except the instruction. */
export interface Sample {
  readonly pair: LatentPair;
  readonly timestep: number;
  /** z_t = q(z_0, t, ε). */
  readonly noisy: Float32Array;
  /** ε, or v for a model that predicts velocity. */
  readonly target: Float32Array;
  /**
   * Converts its L_mse to that of v if the noise is stronger than the signal, where an edit is decided; 0
   * elsewhere.
   */
  readonly decisive: number;
}

/** Increment when the same seed draws different samples, so that old states are rejected. */
export const drawingVersion = 2;

/**
 * Draws training samples with evenly spread timesteps: one in each of `count` equal strata, cycling through
 * the pairs. Each timestep's noise is determined by the seed (`trainingNoise`).
 *
 * @param visited timesteps of the sampler. A stratum that contains some uses those instead of a drawn one, so
 * that an edit with fixed noise starts from trained noise
 */
export function drawTrainingSamples(
  pairs: readonly LatentPair[],
  schedule: NoiseSchedule,
  count: number,
  seed: number,
  visited: readonly number[] = [],
): Sample[] {
  const random = new SeededRandom(seed, "timesteps");
  return stratifiedTimesteps(schedule.trainTimesteps, count, random, visited).map((timestep, index) => {
    const pair = pairs[index % pairs.length]!;
    return makeSample(pair, schedule, timestep, trainingNoise(seed, timestep, pair.after));
  });
}

/** Draws validation samples: other timesteps of the same strata, and other noise. */
export function drawValidationSamples(
  pairs: readonly LatentPair[],
  schedule: NoiseSchedule,
  count: number,
  seed: number,
): Sample[] {
  const random = new SeededRandom(seed, "validation");
  return stratifiedTimesteps(schedule.trainTimesteps, count, random).map((timestep, index) => {
    const pair = pairs[index % pairs.length]!;
    return makeSample(pair, schedule, timestep, random.normals(pair.after.data.length));
  });
}

/**
 * One timestep in each of `count` equal parts of 0 … total − 1, or all of `visited` that lie in it; all
 * timesteps in order if `count` is `total`.
 */
function stratifiedTimesteps(
  total: number,
  count: number,
  random: SeededRandom,
  visited: readonly number[] = [],
): number[] {
  const labels = [...new Set(visited.map(noiseLabel))].sort((a, b) => a - b);
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [(i * total) / count, ((i + 1) * total) / count];
    const drawn = Math.min(total - 1, Math.floor(from + (random.uniform() * total) / count));
    const own = labels.filter((t) => from <= t && t < to);
    return own.length ? own : [drawn];
  }).flat();
}

function makeSample(
  pair: LatentPair,
  schedule: NoiseSchedule,
  timestep: number,
  noise: Float32Array,
): Sample {
  const { data } = pair.after;
  return {
    pair,
    timestep,
    noisy: schedule.addNoise(data, noise, timestep),
    target: schedule.target(data, noise, timestep),
    decisive: decisiveWeight(schedule, timestep),
  };
}

/**
 * Converts an error of ε or z_0 to an error of v. Only the error of v has the same order of magnitude at
 * every noise level; the error of ε almost vanishes where an edit is decided.
 */
function decisiveWeight({ predictionType, alphasCumprod, snr }: NoiseSchedule, timestep: number): number {
  const alphaBar = alphasCumprod[timestep]!;
  if (snr(timestep) >= 1) return 0;
  if (predictionType === "epsilon") return alphaBar === 0 ? 0 : 1 / alphaBar;
  return predictionType === "sample" ? 1 / (1 - alphaBar) : 1;
}
