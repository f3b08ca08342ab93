import type { Latents } from "../pipeline/pipeline.ts";
import { SeededRandom } from "../random/seeded-random.ts";
import { trainingNoise } from "../random/training-noise.ts";
import type { NoiseSchedule } from "../schedulers/noise-schedule.ts";

/** One before/after pair in latent space. */
export interface LatentPair {
  /** c_I: the condition, unscaled. */
  readonly before: Latents;
  /** z_0: the target, scaled. */
  readonly after: Latents;
}

/** A fixed training or validation case: everything about a term of L_mse but the instruction. */
export interface Sample {
  readonly pair: LatentPair;
  readonly timestep: number;
  /** z_t = q(z_0, t, ε). */
  readonly noisy: Float32Array;
  /** ε, or v for a model that predicts velocity. */
  readonly target: Float32Array;
}

/**
 * `count` samples whose timesteps are spread evenly, one in each of `count` equal strata, with the pairs taken in turn.
 * Each timestep's noise is the seed's own (`trainingNoise`).
 */
export function drawTrainingSamples(
  pairs: readonly LatentPair[],
  schedule: NoiseSchedule,
  count: number,
  seed: number,
): Sample[] {
  const random = new SeededRandom(seed, "timesteps");
  return stratifiedTimesteps(schedule.trainTimesteps, count, random).map((timestep, index) => {
    const pair = pairs[index % pairs.length]!;
    return makeSample(pair, schedule, timestep, trainingNoise(seed, timestep, pair.after.data.length));
  });
}

/** Samples apart from training's: other timesteps of the same strata, other noise. */
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

/** One timestep of each of `count` equal parts of 0 … total − 1; all of them, in order, when `count` is `total`. */
function stratifiedTimesteps(total: number, count: number, random: SeededRandom): number[] {
  return Array.from({ length: count }, (_, i) => {
    const from = (i * total) / count;
    return Math.min(total - 1, Math.floor(from + (random.uniform() * total) / count));
  });
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
  };
}
