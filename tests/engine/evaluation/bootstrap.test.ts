import { describe, expect, it } from "vitest";
import { bootstrapMean, quantile } from "../../../engine/evaluation/bootstrap.ts";
import { SeededRandom } from "../../../engine/random/seeded-random.ts";

describe("the bootstrap of a mean", () => {
  it("has no width if all values are equal", () => {
    expect(bootstrapMean([3, 3, 3])).toEqual({ mean: 3, low: 3, high: 3 });
  });

  it("spans both of two values, since each fills a draw with probability 1/4", () => {
    expect(bootstrapMean([0, 1])).toEqual({ mean: 0.5, low: 0, high: 1 });
  });

  it("gives the binomial's quantiles for zeros and ones", () => {
    // The sum of a draw is Binomial(20, 1/2): P(≤ 5) = 0.0207, P(≤ 6) = 0.0577, so its 2.5th percentile is 6;
    // by symmetry 14.
    const values = Array.from({ length: 20 }, (_, i) => i % 2);
    const { low, high } = bootstrapMean(values);
    expect(low).toBeCloseTo(6 / 20, 12);
    expect(high).toBeCloseTo(14 / 20, 12);
  });

  it("approaches mean ± 1.96 s/√n for many normal values", () => {
    const values = [...new SeededRandom(1).normals(400)];
    const center = values.reduce((sum, x) => sum + x, 0) / 400;
    const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - center) ** 2, 0) / 400);
    const { mean, low, high } = bootstrapMean(values);
    const halfWidth = (1.96 * deviation) / Math.sqrt(400);
    // The standard error of a percentile of 10 000 draws is about 2.7 % of a standard error of the mean;
    // three of those.
    const tolerance = 0.08 * (deviation / Math.sqrt(400));
    expect(mean).toBeCloseTo(center, 12);
    expect(Math.abs(low - (center - halfWidth))).toBeLessThan(tolerance);
    expect(Math.abs(high - (center + halfWidth))).toBeLessThan(tolerance);
  });

  it("returns the same interval for the same seed, and a similar one for another", () => {
    const values = [1, 5, 2, 8, 3];
    expect(bootstrapMean(values, 4)).toEqual(bootstrapMean(values, 4));
    const [a, b] = [bootstrapMean(values, 4), bootstrapMean(values, 5)];
    expect(Math.abs(a.low - b.low)).toBeLessThan(0.3);
  });
});

it("interpolates a quantile between neighbors", () => {
  expect([0, 0.25, 0.5, 0.9, 1].map((fraction) => quantile([10, 20, 30], fraction))).toEqual([
    10, 15, 20, 28, 30,
  ]);
});
