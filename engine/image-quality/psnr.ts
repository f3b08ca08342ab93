import { InternalError } from "../errors.ts";
import type { RgbImage } from "../images/rgb-image.ts";

/** @throws InternalError if the images differ in size */
export function requireSameSize(a: RgbImage, b: RgbImage, metric: string): void {
  if (a.width !== b.width || a.height !== b.height)
    throw new InternalError(`${metric} of ${a.width}×${a.height} against ${b.width}×${b.height}`);
}

/**
 * Peak signal-to-noise ratio over all three RGB channels in dB: 10·log₁₀(peak² / mean squared error). The
 * peak is 2, the range of [−1, 1]. Infinity for equal images.
 */
export function psnr(a: RgbImage, b: RgbImage): number {
  requireSameSize(a, b, "PSNR");
  let sum = 0;
  for (let index = 0; index < a.data.length; index++) sum += (a.data[index]! - b.data[index]!) ** 2;
  return sum === 0 ? Infinity : 10 * Math.log10((4 * a.data.length) / sum);
}
