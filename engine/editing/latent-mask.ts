import { InternalError } from "../errors.ts";
import { boxMean } from "../images/box-mean.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import type { Latents } from "../pipeline/pipeline.ts";

/** One number for each pixel of an image: 1 where to edit, 0 where to keep, between the two a mixture. [height · width] */
export type Mask = Float32Array;

/** Latents on either side of an edge over which it fades. */
const feather = 1;

/** A mask of an image as one for each of its latents, [C · h · w]: what its pixels are on average, faded out; all 1 without a mask. */
export function latentMask(
  { width, height }: Pick<RgbImage, "width" | "height">,
  mask: Mask | undefined,
  latents: Pick<Latents, "channels" | "height" | "width">,
): Float32Array {
  const area = latents.height * latents.width;
  const result = new Float32Array(latents.channels * area).fill(1);
  if (!mask) return result;
  if (mask.length !== width * height)
    throw new InternalError(`a mask of ${mask.length} pixels for an image of ${width}×${height}`);
  const factor = width / latents.width;
  const means = new Float64Array(area);
  for (const [at, value] of mask.entries()) {
    const [x, y] = [Math.floor((at % width) / factor), Math.floor(at / width / factor)];
    means[y * latents.width + x]! += value / factor ** 2;
  }
  const faded = boxMean(means, latents.width, latents.height, feather);
  for (let channel = 0; channel < latents.channels; channel++) result.set(faded, channel * area);
  return result;
}

/** `edited` where the mask is 1, `kept` where it is 0. */
export function withinMask(mask: Float32Array, edited: Float32Array, kept: Float32Array): Float32Array {
  return edited.map((value, i) => kept[i]! + mask[i]! * (value - kept[i]!));
}
