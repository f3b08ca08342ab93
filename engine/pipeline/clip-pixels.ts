import type { RgbImage } from "../images/rgb-image.ts";
import type { ClipModel } from "./clip-model.ts";

/**
 * Converts an image to the input of CLIP's vision tower: the largest centered square, averaged down (or
 * interpolated up) to S × S, shifted to [0, 1] and normalized per channel.
 *
 * @returns [3 · S · S]
 */
export function clipPixels(image: RgbImage, { config, mean, deviation }: ClipModel): Float32Array {
  const size = config.vision_config.image_size;
  const side = Math.min(image.width, image.height);
  const left = (image.width - side) / 2;
  const top = (image.height - side) / 2;
  const pixels = new Float32Array(3 * size * size);
  const rows = boxWeights(top, side, size, image.height);
  const columns = boxWeights(left, side, size, image.width);
  for (let c = 0; c < 3; c++) {
    const plane = image.data.subarray(c * image.width * image.height, (c + 1) * image.width * image.height);
    for (const [y, row] of rows.entries())
      for (const [x, column] of columns.entries()) {
        let sum = 0;
        for (const [sy, wy] of row)
          for (const [sx, wx] of column) sum += wy * wx * plane[sy * image.width + sx]!;
        pixels[(c * size + y) * size + x] = ((sum + 1) / 2 - mean[c]!) / deviation[c]!;
      }
  }
  return pixels;
}

/**
 * For each of `count` cells that divide [start, start + length): source indices with their share of the cell.
 */
function boxWeights(start: number, length: number, count: number, limit: number): [number, number][][] {
  const cell = length / count;
  return Array.from({ length: count }, (_, index) => {
    const from = start + index * cell;
    const to = from + cell;
    const weights: [number, number][] = [];
    for (let source = Math.floor(from); source < Math.min(Math.ceil(to), limit); source++) {
      const share = Math.min(to, source + 1) - Math.max(from, source);
      if (share > 1e-9) weights.push([source, share / cell]);
    }
    return weights;
  });
}
