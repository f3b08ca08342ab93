/**
 * Mean over the (2·radius + 1)² window around each pixel, clipped at the edges: [height, width] → [height,
 * width]. The window's sum is updated from pixel to pixel, so that the time does not depend on the radius.
 */
export function boxMean(plane: Float64Array, width: number, height: number, radius: number): Float64Array {
  const rows = new Float64Array(plane.length);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    let [sum, count] = [0, 0];
    for (let x = -radius; x < width; x++) {
      if (x + radius < width) {
        sum += plane[row + x + radius]!;
        count++;
      }
      if (x > radius) {
        sum -= plane[row + x - radius - 1]!;
        count--;
      }
      if (x >= 0) rows[row + x] = sum / count;
    }
  }
  const result = new Float64Array(plane.length);
  const sums = new Float64Array(width);
  let count = 0;
  for (let y = -radius; y < height; y++) {
    const entering = (y + radius) * width;
    if (y + radius < height) {
      for (let x = 0; x < width; x++) sums[x]! += rows[entering + x]!;
      count++;
    }
    const leaving = (y - radius - 1) * width;
    if (y > radius) {
      for (let x = 0; x < width; x++) sums[x]! -= rows[leaving + x]!;
      count--;
    }
    if (y >= 0) for (let x = 0; x < width; x++) result[y * width + x] = sums[x]! / count;
  }
  return result;
}
