import { createRgbImage, type RgbImage } from "../images/rgb-image.ts";
import type { ImagePair } from "../pairs/fit-pairs.ts";
import { type FeatureSet, featureCounts, pixelFeatures } from "./edit-features.ts";
import { NormalEquations } from "./ridge-regression.ts";

/** λ of the ridge regression, relative to sums over pixels in [0, 1]. */
const ridge = 1e-3;

/** Maximum number of pixels sampled from one pair, on a lattice over the whole image. */
const maxPixels = 2 ** 18;

/** An edit as a function of each pixel's features: the baseline without learning. */
export interface FittedEdit {
  readonly set: FeatureSet;
  /** W, [features, 3]: maps a pixel's features to r, g, b in [0, 1]. */
  readonly weights: Float64Array;
}

/** Least-squares fit to the pixels of the pairs. @param pairs at least one, before and after of one size */
export function fitEdit(pairs: readonly ImagePair[], set: FeatureSet): FittedEdit {
  const equations = new NormalEquations(featureCounts[set], 3);
  for (const pair of pairs) forEachPixel(pair, set, (x, y) => equations.add(x, y));
  return { set, weights: equations.solve(ridge) };
}

/** Applies a fitted edit to an image of any size. */
export function applyFit({ set, weights }: FittedEdit, image: RgbImage): RgbImage {
  const { width, height } = image;
  const area = width * height;
  const data = new Float32Array(3 * area);
  const { count, read } = pixelFeatures(image, set);
  const x = new Float64Array(count);
  for (let index = 0; index < area; index++) {
    read(index, x);
    for (let channel = 0; channel < 3; channel++) {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += weights[i * 3 + channel]! * x[i]!;
      data[channel * area + index] = 2 * Math.min(1, Math.max(0, sum)) - 1;
    }
  }
  return createRgbImage(width, height, data);
}

/** Blocks per side for cross-validation, and number of folds. */
const [blocks, folds] = [8, 4];

/**
 * How much of an edit the features explain on unseen pixels: the PSNR in dB over four folds of image blocks,
 * each predicted from the other three. Blocks are held out instead of single pixels, because neighboring
 * pixels are correlated.
 */
export function crossValidatedPsnr(pairs: readonly ImagePair[], set: FeatureSet): number {
  const parts = Array.from({ length: folds }, () => new NormalEquations(featureCounts[set], 3));
  for (const pair of pairs) {
    const { width, height } = pair.before;
    forEachPixel(pair, set, (x, y, index) => {
      const column = Math.floor(((index % width) * blocks) / width);
      const row = Math.floor((Math.floor(index / width) * blocks) / height);
      // Each fold takes every fourth block of a row, shifted by two in the next row.
      parts[(column + 2 * row + Math.floor(row / 2)) % folds]!.add(x, y);
    });
  }
  const total = parts.reduce((sum, part) => sum.plus(part));
  const error = parts.reduce((sum, part) => sum + part.squaredError(total.minus(part).solve(ridge)), 0);
  return 10 * Math.log10((3 * total.rows) / error);
}

/**
 * Visits features x and the after image's r, g, b in [0, 1] on a lattice of at most {@link maxPixels}
 * pixels.
 */
function forEachPixel(
  { before, after }: ImagePair,
  set: FeatureSet,
  use: (x: Float64Array, y: Float64Array, index: number) => void,
): void {
  const { width, height } = before;
  const area = width * height;
  const stride = Math.max(1, Math.ceil(Math.sqrt(area / maxPixels)));
  const { count, read } = pixelFeatures(before, set);
  const [x, y] = [new Float64Array(count), new Float64Array(3)];
  for (let row = 0; row < height; row += stride)
    for (let column = 0; column < width; column += stride) {
      const index = row * width + column;
      read(index, x);
      for (let channel = 0; channel < 3; channel++)
        y[channel] = (after.data[channel * area + index]! + 1) / 2;
      use(x, y, index);
    }
}
