/**
 * Structural similarity (Wang, Bovik, Sheikh, Simoncelli 2004): Gaussian window of 11 pixels with σ = 1.5, K₁
 * = 0.01, K₂ = 0.03, computed for R, G and B and averaged, over windows that lie completely inside. Values
 * are mapped from [−1, 1] to [0, 1] first, because the luminance term needs non-negative values. Equals
 * scikit-image's structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
 * data_range=1).
 */
import { VisibleError } from "../errors.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import { requireSameSize } from "./psnr.ts";

const windowSize = 11;
const sigma = 1.5;
/** (K·L)², where L = 1 is the range of [0, 1]. */
const c1 = 0.01 ** 2;
const c2 = 0.03 ** 2;

function gaussianWindow(): Float64Array {
  const weights = Float64Array.from({ length: windowSize }, (_, tap) =>
    Math.exp(-((tap - (windowSize - 1) / 2) ** 2) / (2 * sigma ** 2)),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** Gaussian average at every position where the window fits: [height, width] → [height − 10, width − 10]. */
function blurInside(plane: Float64Array, width: number, height: number, window: Float64Array): Float64Array {
  const innerWidth = width - windowSize + 1;
  const innerHeight = height - windowSize + 1;
  const rows = new Float64Array(height * innerWidth);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < innerWidth; x++) {
      let sum = 0;
      for (let tap = 0; tap < windowSize; tap++) sum += window[tap]! * plane[y * width + x + tap]!;
      rows[y * innerWidth + x] = sum;
    }
  const result = new Float64Array(innerHeight * innerWidth);
  for (let y = 0; y < innerHeight; y++)
    for (let x = 0; x < innerWidth; x++) {
      let sum = 0;
      for (let tap = 0; tap < windowSize; tap++) sum += window[tap]! * rows[(y + tap) * innerWidth + x]!;
      result[y * innerWidth + x] = sum;
    }
  return result;
}

function ssimOfPlane(a: Float64Array, b: Float64Array, width: number, height: number): number {
  const window = gaussianWindow();
  const blur = (plane: Float64Array): Float64Array => blurInside(plane, width, height, window);
  const [meanA, meanB] = [blur(a), blur(b)];
  const [squareA, squareB] = [blur(a.map((value) => value * value)), blur(b.map((value) => value * value))];
  const product = blur(a.map((value, index) => value * b[index]!));
  let sum = 0;
  for (let index = 0; index < meanA.length; index++) {
    const [ma, mb] = [meanA[index]!, meanB[index]!];
    const variances = squareA[index]! - ma * ma + squareB[index]! - mb * mb;
    const covariance = product[index]! - ma * mb;
    // SSIM = (2·μa·μb + c₁)(2·σab + c₂) / ((μa² + μb² + c₁)(σa² + σb² + c₂))
    sum += ((2 * ma * mb + c1) * (2 * covariance + c2)) / ((ma * ma + mb * mb + c1) * (variances + c2));
  }
  return sum / meanA.length;
}

/** Mean SSIM over R, G, B; 1 for equal images. @throws VisibleError for images smaller than the window */
export function ssim(a: RgbImage, b: RgbImage): number {
  requireSameSize(a, b, "SSIM");
  if (a.width < windowSize || a.height < windowSize)
    throw new VisibleError(
      "image_too_small",
      `SSIM needs images of at least ${windowSize}×${windowSize} pixels, not ${a.width}×${a.height}.`,
    );
  const area = a.width * a.height;
  const plane = (image: RgbImage, channel: number): Float64Array =>
    Float64Array.from(image.data.subarray(channel * area, (channel + 1) * area), (value) => (value + 1) / 2);
  const perChannel = [0, 1, 2].map((channel) =>
    ssimOfPlane(plane(a, channel), plane(b, channel), a.width, a.height),
  );
  return perChannel.reduce((total, value) => total + value, 0) / 3;
}
