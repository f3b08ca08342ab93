import { coverImage } from "../images/resize-image.ts";
import { createRgbImage, type RgbImage } from "../images/rgb-image.ts";
import type { ImagePair } from "./fit-pairs.ts";

/** Pixels of each half's sides. */
const side = 192;

/** A pair side by side, [side, 2·side]: before on the left, after on the right, each the square in the image's middle. */
export function pairThumbnail({ before, after }: ImagePair): RgbImage {
  const data = new Float32Array(3 * side * 2 * side);
  for (const [half, image] of [before, after].entries()) {
    const square = coverImage(image, side, side);
    for (let row = 0; row < 3 * side; row++)
      data.set(square.data.subarray(row * side, (row + 1) * side), (2 * row + half) * side);
  }
  return createRgbImage(2 * side, side, data);
}
