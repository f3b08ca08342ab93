import type { RgbImage } from "../images/rgb-image.ts";
import { requireSameSize } from "./psnr.ts";

/**
 * How sharp a result is beside the truth: Σ‖∇result‖² / Σ‖∇truth‖² over R, G and B, ∇ being differences of neighbouring pixels.
 * 1 is right, below it is blurred, above it is noisy or too hard. PSNR rewards blur where a detail's place is unsure; this does
 * not. undefined for a truth of one color.
 */
export function sharpness(result: RgbImage, truth: RgbImage): number | undefined {
  requireSameSize(result, truth, "Sharpness");
  const energy = gradientEnergy(truth);
  return energy === 0 ? undefined : gradientEnergy(result) / energy;
}

function gradientEnergy({ width, height, data }: RgbImage): number {
  let sum = 0;
  for (let row = 0; row < 3 * height; row++)
    for (let x = 0; x < width; x++) {
      const at = row * width + x;
      if (x + 1 < width) sum += (data[at + 1]! - data[at]!) ** 2;
      if ((row + 1) % height) sum += (data[at + width]! - data[at]!) ** 2;
    }
  return sum;
}
