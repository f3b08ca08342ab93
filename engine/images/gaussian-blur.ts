/**
 * Convolves a plane [height, width] with a Gaussian of `sigma` pixels, truncated at 3σ, with edge pixels
 * repeated outside: [height, width] → [height, width].
 */
export function gaussianBlur(
  plane: Float64Array,
  width: number,
  height: number,
  sigma: number,
): Float64Array {
  const kernel = gaussianKernel(sigma);
  return convolveSeparably(plane, width, height, kernel, kernel);
}

/** exp(−x²/2σ²) at integer x from −⌈3σ⌉ to ⌈3σ⌉, normalized to sum 1. */
export function gaussianKernel(sigma: number): Float64Array {
  const radius = Math.ceil(3 * sigma);
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, tap) =>
    Math.exp(-((tap - radius) ** 2) / (2 * sigma ** 2)),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/**
 * Correlates a plane [height, width] with the kernel vertical(y) · horizontal(x), each of odd length, with
 * edge pixels repeated outside. [height, width] → [height, width].
 */
export function convolveSeparably(
  plane: Float64Array,
  width: number,
  height: number,
  horizontal: Float64Array,
  vertical: Float64Array,
): Float64Array {
  const rows = new Float64Array(plane.length);
  const reachX = (horizontal.length - 1) / 2;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let tap = 0; tap < horizontal.length; tap++)
        sum += horizontal[tap]! * plane[y * width + Math.min(width - 1, Math.max(0, x + tap - reachX))]!;
      rows[y * width + x] = sum;
    }
  const result = new Float64Array(plane.length);
  const reachY = (vertical.length - 1) / 2;
  for (let y = 0; y < height; y++)
    for (let tap = 0; tap < vertical.length; tap++) {
      const [from, weight] = [Math.min(height - 1, Math.max(0, y + tap - reachY)) * width, vertical[tap]!];
      for (let x = 0; x < width; x++) result[y * width + x]! += weight * rows[from + x]!;
    }
  return result;
}
