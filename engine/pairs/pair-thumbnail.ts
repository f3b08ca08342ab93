import { coverImage } from "../images/resize-image.ts";
import { createRgbImage, type RgbImage } from "../images/rgb-image.ts";
import type { ImagePair } from "./fit-pairs.ts";

/** Side of each half in pixels. */
const side = 192;

/** A pair side by side, [side, 2·side]: the center squares of before (left) and after (right). */
export function pairThumbnail({ before, after }: ImagePair): RgbImage {
  const data = new Float32Array(3 * side * 2 * side);
  for (const [half, image] of [before, after].entries()) {
    const square = coverImage(image, side, side);
    for (let row = 0; row < 3 * side; row++)
      data.set(square.data.subarray(row * side, (row + 1) * side), (2 * row + half) * side);
  }
  return createRgbImage(2 * side, side, data);
}
