import { InternalError } from "../errors.ts";
import { boxMean } from "../images/box-mean.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import type { Latents } from "../pipeline/pipeline.ts";

/** One value for each pixel of an image, [height · width]: 1 is edited, 0 is kept, values between blend. */
export type Mask = Float32Array;

/** Width of the fade on either side of an edge, in latents. */
const feather = 1;

/** Converts a mask of pixels to latents, [C · h · w], by averaging and feathering; all 1 without a mask. */
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

/** Blends `edited` (mask 1) and `kept` (mask 0). */
export function withinMask(mask: Float32Array, edited: Float32Array, kept: Float32Array): Float32Array {
  return edited.map((value, i) => kept[i]! + mask[i]! * (value - kept[i]!));
}
