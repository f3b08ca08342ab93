import { SeededRandom } from "../random/seeded-random.ts";

/** A mean with its 95% confidence interval over cases. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

const resamples = 10_000;
const tail = 0.025;

/**
 * The percentile bootstrap (Efron 1979) of a mean: resamples the values with replacement and takes the 2.5th
 * and 97.5th percentile of the means. Deterministic for a seed.
 *
 * @param values one for each case, the unit of resampling; at least one
 */
export function bootstrapMean(values: readonly number[], seed = 0): Interval {
  const random = new SeededRandom(seed, "bootstrap");
  const count = values.length;
  const means = new Float64Array(resamples);
  for (let resample = 0; resample < resamples; resample++) {
    let sum = 0;
    for (let draw = 0; draw < count; draw++) sum += values[Math.floor(random.uniform() * count)]!;
    means[resample] = sum / count;
  }
  means.sort();
  return { mean: mean(values), low: quantile(means, tail), high: quantile(means, 1 - tail) };
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The quantile of `sorted`, interpolated linearly. */
export function quantile(sorted: ArrayLike<number>, fraction: number): number {
  const place = fraction * (sorted.length - 1);
  const low = Math.floor(place);
  const lower = sorted[low]!;
  return lower + (place - low) * (sorted[Math.min(low + 1, sorted.length - 1)]! - lower);
}
