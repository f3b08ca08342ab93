interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Losses as points in a box: step 0 on the left, the lowest loss at the bottom. Outliers are at the top, because
 * the loss of a single timestep can be several times the others'.
 */
export function lossPoints(
  losses: readonly { readonly step: number; readonly loss: number }[],
  steps: number,
  width: number,
  height: number,
): Point[] {
  const values = losses.map(({ loss }) => loss);
  const [low, high] = [Math.min(...values), upperFence(values)];
  return losses.map(({ step, loss }) => ({
    x: (step / (steps || 1)) * width,
    y: height - ((Math.min(loss, high) - low) / (high - low || 1)) * height,
  }));
}

/** The largest value that is no outlier: at most 1.5 interquartile ranges above the third quartile (Tukey). */
function upperFence(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const quantile = (share: number) => sorted[Math.round((sorted.length - 1) * share)] ?? 0;
  const [first, third] = [quantile(0.25), quantile(0.75)];
  const fence = third + 1.5 * (third - first);
  return sorted.findLast((value) => value <= fence) ?? fence;
}

/**
 * Moving average over up to `reach` previous points, because the loss of a single step depends on its random
 * noise.
 */
export function smooth(points: readonly Point[], reach: number): Point[] {
  return points.map(({ x }, index) => {
    const window = points.slice(Math.max(0, index - reach), index + 1);
    return { x, y: window.reduce((sum, { y }) => sum + y, 0) / window.length };
  });
}

/** For an SVG polyline. */
export const polyline = (points: readonly Point[]): string =>
  points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
