/**
 * Mean over the (2·radius + 1)² window around each pixel, clipped at the edges: [height, width] → [height,
 * width].
 */
export function boxMean(plane: Float64Array, width: number, height: number, radius: number): Float64Array {
  const rows = new Float64Array(plane.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [from, to] = [Math.max(0, x - radius), Math.min(width - 1, x + radius)];
      let sum = 0;
      for (let at = from; at <= to; at++) sum += plane[y * width + at]!;
      rows[y * width + x] = sum / (to - from + 1);
    }
  const result = new Float64Array(plane.length);
  for (let y = 0; y < height; y++) {
    const [from, to] = [Math.max(0, y - radius), Math.min(height - 1, y + radius)];
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let at = from; at <= to; at++) sum += rows[at * width + x]!;
      result[y * width + x] = sum / (to - from + 1);
    }
  }
  return result;
}
