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
 *
 * @param visited timesteps that go before others of their stratum: those of the sampler, so that what is learned was learned where
 *   edits start from
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

/**
 * One timestep of each of `count` equal parts of 0 … total − 1, one of `visited` where there is one; all of them, in order, when
 * `count` is `total`.
 */
function stratifiedTimesteps(
  total: number,
  count: number,
  random: SeededRandom,
  visited: readonly number[] = [],
): number[] {
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [(i * total) / count, ((i + 1) * total) / count];
    const drawn = Math.min(total - 1, Math.floor(from + (random.uniform() * total) / count));
    return visited.find((t) => Number.isInteger(t) && from <= t && t < to) ?? drawn;
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
