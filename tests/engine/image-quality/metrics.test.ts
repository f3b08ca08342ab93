import { describe, expect, it } from "vitest";
import { psnr } from "../../../engine/image-quality/psnr.ts";
import { sharpness } from "../../../engine/image-quality/sharpness.ts";
import { ssim } from "../../../engine/image-quality/ssim.ts";
import { styleDistance, styleStatistics } from "../../../engine/image-quality/style-distance.ts";
import { createRgbImage, type RgbImage } from "../../../engine/images/rgb-image.ts";
import { SeededRandom } from "../../../engine/random/seeded-random.ts";
import { createPlainImage } from "../images/drawn-images.ts";

/** 0.8·sin(0.3·x + 0.1·y·(channel + 1) + phase), as the Python below draws it. */
function waves(
  phase: number,
  change: (value: number) => number = (value) => value,
  [width, height]: readonly [number, number] = [32, 24],
): RgbImage {
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
  // Both compute float32 pixels in float64. Sines may differ in the last float32 bit.
  it.each(references)(
    "SSIM and PSNR of waves and the same %s agree to six digits",
    (_, other, similarity, decibels) => {
      expect(ssim(waves(0), other)).toBeCloseTo(similarity, 6);
      expect(psnr(waves(0), other)).toBeCloseTo(decibels, 5);
    },
  );
});

/*
 * NumPy 2, the same images in float64: responses by two np.pad(mode="edge") correlations, Gram matrices by F
 * @ F.T / pixels, np.linalg.norm; np.diff for the gradients.
 */
describe("against NumPy", () => {
  /** Large enough for a second level. */
  const large = [96, 72] as const;
  it.each([
    ["shifted", waves(0.4, undefined, large), 0.0031406220399733966, 0.9996640747001678],
    ["darker", waves(0, (value) => value * 0.5 - 0.3, large), 0.6000000056218636, 0.24999999565967013],
    ["negative", waves(0, (value) => -value, large), 0.012752411339818859, 1],
  ] as const)(
    "the style distance and the sharpness of %s waves agree to six digits",
    (_, other, style, ratio) => {
      const truth = waves(0, undefined, large);
      expect(styleDistance(styleStatistics(other), styleStatistics(truth))).toBeCloseTo(style, 6);
      expect(sharpness(other, truth)).toBeCloseTo(ratio, 6);
    },
  );
});

describe("the style distance", () => {
  const style = (a: RgbImage, b: RgbImage) => styleDistance(styleStatistics(a), styleStatistics(b));
  const side = 128;
  const grain = (seed: number, size: number): RgbImage => {
    const random = new SeededRandom(seed, "grain");
    const data = Float32Array.from({ length: 3 * side * side }, () => 0.6 * (2 * random.uniform() - 1));
    const image = createRgbImage(side, side, data);
    // Grain of `size` pixels: every block takes its first pixel's value.
    return createRgbImage(
      side,
      side,
      data.map((_, i) => {
        const [x, y] = [i % side, Math.floor(i / side) % side];
        return image.data[i - (x % size) - (y % size) * side]!;
      }),
    );
  };

  it("is 0 for equal images, and does not depend on a texture's position", () => {
    expect(style(grain(1, 2), grain(1, 2))).toBe(0);
    expect(style(grain(1, 2), grain(2, 2))).toBeLessThan(0.05);
  });

  it("distinguishes two grain sizes, and blur from both", () => {
    expect(style(grain(1, 2), grain(2, 4))).toBeGreaterThan(0.25);
    expect(style(createPlainImage(side, side, [0, 0.5, -0.5]), grain(2, 4))).toBe(1);
  });
});

describe("sharpness", () => {
  it("is undefined for a true edit of one color", () => {
    expect(sharpness(waves(0), createPlainImage(32, 24, [0, 0, 0]))).toBeUndefined();
  });
});

describe("psnr", () => {
  it("is infinite for equal images, and 0 dB for black against white", () => {
    expect(psnr(waves(0), waves(0))).toBe(Infinity);
    expect(psnr(createPlainImage(4, 4, [-1, -1, -1]), createPlainImage(4, 4, [1, 1, 1]))).toBe(0);
  });

  it("throws an internal error for unequal sizes", () => {
    expect(() => psnr(waves(0), createPlainImage(4, 4, [0, 0, 0]))).toThrow(
      /internal: PSNR of 32×24 against 4×4/,
    );
  });
});

describe("ssim", () => {
  it("is 1 for equal images", () => {
    expect(ssim(waves(0), waves(0))).toBeCloseTo(1, 12);
  });

  it("rejects images smaller than its window", () => {
    const tiny = createPlainImage(10, 40, [0, 0, 0]);
    expect(() => ssim(tiny, tiny)).toThrow(/at least 11×11/);
  });
});
