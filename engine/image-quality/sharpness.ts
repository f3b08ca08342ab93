import type { RgbImage } from "../images/rgb-image.ts";
import { requireSameSize } from "./psnr.ts";

/**
 * Sharpness of a result relative to the true edit: Σ‖∇result‖² / Σ‖∇truth‖² over R, G and B, where ∇ is the
 * difference of neighboring pixels. 1 is best; lower is blurred, higher is noisy or oversharpened. PSNR
 * rewards blur where the position of a detail is uncertain; this metric does not. undefined for a true edit
 * of a single color.
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
