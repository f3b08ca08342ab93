import { describe, expect, it } from "vitest";
import { lossPoints, smooth } from "../../studio/text/loss-path.ts";

const pointsOf = (values: readonly number[]) =>
  lossPoints(
    values.map((loss, index) => ({ step: index + 1, loss })),
    values.length,
    320,
    120,
  );
const heights = (values: readonly number[]) => pointsOf(values).map(({ y }) => 120 - y);

describe("the loss curve's scale", () => {
  it("is not set by outliers, which are at the top", () => {
    const losses = Array.from({ length: 30 }, (_, index) => 0.5 - index / 100);
    expect(heights(losses).at(0)).toBeCloseTo(120);
    expect(heights(losses).at(-1)).toBeCloseTo(0);
    const withOutliers = losses.map((loss, index) => ([4, 17, 23].includes(index) ? 9 : loss));
    const found = heights(withOutliers);
    for (const index of [4, 17, 23]) expect(found[index]).toBeCloseTo(120);
    for (const [index, height] of heights(losses).entries())
      if (![4, 17, 23].includes(index)) expect(found[index]).toBeCloseTo(height);
    // The line stays within the chart.
    const line = smooth(pointsOf(withOutliers), 6).map(({ y }) => y);
    expect(Math.min(...line)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...line)).toBeLessThanOrEqual(120);
  });

  it("covers all losses if none is an outlier, also one, two or equal ones", () => {
    expect(heights([0.3])).toEqual([0]);
    expect(heights([0.2, 0.4])).toEqual([0, 120]);
    expect(heights([0.3, 0.3, 0.3])).toEqual([0, 0, 0]);
    expect(heights([0.4, 0.3, 0.2])).toEqual([120, expect.closeTo(60), 0]);
  });
});
