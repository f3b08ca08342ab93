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

/** A fixed training or validation case: everything about a term of L_mse but the instruction. */
export interface Sample {
  readonly pair: LatentPair;
  readonly timestep: number;
  /** z_t = q(z_0, t, ε). */
  readonly noisy: Float32Array;
  /** ε, or v for a model that predicts velocity. */
  readonly target: Float32Array;
  /** Turns its L_mse into that of v, where the noise is stronger than the signal and an edit is decided; 0 elsewhere. */
  readonly decisive: number;
}

/** Changes when the same seed draws other samples: a state of a run that drew others cannot be continued. */
export const drawingVersion = 2;

/**
 * Samples whose timesteps are spread evenly: one drawn in each of `count` equal strata, with the pairs taken in turn.
 * Each timestep's noise is the seed's own (`trainingNoise`).
 *
 * @param visited timesteps of the sampler. A stratum that has some has those, each with its noise, instead of a drawn one: an edit with
 *   fixed noise then meets no noise that was not trained
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
 * One timestep of each of `count` equal parts of 0 … total − 1, or all of `visited` that lie in it; each once, in order, when
 * `count` is `total`.
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
 * The error of one estimate of z_0 has another size as an error of ε, of v or of z_0, and only v's is of one order at every noise
 * level: of ε it all but vanishes where an edit is decided.
 */
function decisiveWeight({ predictionType, alphasCumprod, snr }: NoiseSchedule, timestep: number): number {
  const alphaBar = alphasCumprod[timestep]!;
  if (snr(timestep) >= 1) return 0;
  if (predictionType === "epsilon") return alphaBar === 0 ? 0 : 1 / alphaBar;
  return predictionType === "sample" ? 1 / (1 - alphaBar) : 1;
}
