import { describe, expect, it } from "vitest";
import { psnr } from "../../../engine/image-quality/psnr.ts";
import { ssim } from "../../../engine/image-quality/ssim.ts";
import { createPlainImage, createRgbImage, type RgbImage } from "../../../engine/images/rgb-image.ts";

/** 0.8·sin(0.3·x + 0.1·y·(channel + 1) + phase), as the Python below draws it. */
function waves(phase: number, change: (value: number) => number = (value) => value): RgbImage {
  const [width, height] = [32, 24];
  const data = Float32Array.from({ length: 3 * width * height }, (_, index) => {
    const channel = Math.floor(index / (width * height));
    const [x, y] = [index % width, Math.floor(index / width) % height];
    return Math.sin(0.3 * x + 0.1 * y * (channel + 1) + phase) * 0.8;
  });
  return createRgbImage(width, height, data.map(change));
}

/*
 * scikit-image 0.26.0, with a, b float32 images [3, 24, 32] as above:
 *   structural_similarity((a + 1) / 2, (b + 1) / 2, channel_axis=0, gaussian_weights=True, sigma=1.5,
 *                         use_sample_covariance=False, data_range=1)
 *   peak_signal_noise_ratio(a, b, data_range=2)
 */
const references: readonly (readonly [string, RgbImage, number, number])[] = [
  ["shifted", waves(0.4), 0.8414519769599121, 18.991264477942828],
  ["darker", waves(0, (value) => value * 0.5 - 0.3), 0.7658022772501342, 13.587466517168487],
  ["negative", waves(0, (value) => -value), -0.6191620323946387, 4.948166803115617],
];

describe("against scikit-image", () => {
  // Both sides take float32 pixels in float64 arithmetic; sines may differ in their last float32 bit.
  it.each(references)(
    "SSIM and PSNR of waves and the same %s agree to six digits",
    (_, other, similarity, decibels) => {
      expect(ssim(waves(0), other)).toBeCloseTo(similarity, 6);
      expect(psnr(waves(0), other)).toBeCloseTo(decibels, 5);
    },
  );
});

describe("psnr", () => {
  it("is infinite for equal images, and 0 dB for black against white", () => {
    expect(psnr(waves(0), waves(0))).toBe(Infinity);
    expect(psnr(createPlainImage(4, 4, [-1, -1, -1]), createPlainImage(4, 4, [1, 1, 1]))).toBe(0);
  });

  it("takes unequal sizes for a bug", () => {
    expect(() => psnr(waves(0), createPlainImage(4, 4, [0, 0, 0]))).toThrow(
      /internal: PSNR of 32×24 against 4×4/,
    );
  });
});

describe("ssim", () => {
  it("is 1 for equal images", () => {
    expect(ssim(waves(0), waves(0))).toBeCloseTo(1, 12);
  });

  it("refuses images smaller than its window", () => {
    const tiny = createPlainImage(10, 40, [0, 0, 0]);
    expect(() => ssim(tiny, tiny)).toThrow(/at least 11×11/);
  });
});
