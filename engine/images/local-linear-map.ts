/**
 * How an edit changes color contrasts at each position: the 3×3 matrix A that best explains the edited colors
 * p by the input's colors i within a window, in the least-squares sense, regularized towards the same fit
 * over the whole image where the window is flat: A = (Σ + ε·1)⁻¹(cov(i, p) + ε·A_whole). This is the local
 * fit of the guided filter (He, Sun, Tang 2010).
 *
 * Where the edit added something new, no map explains it, and detail of the original does not belong there. A
 * is therefore weighted by the share of the window's variance that it explains.
 */
import { boxMean } from "./box-mean.ts";
import type { RgbImage } from "./rgb-image.ts";

/** Window radius in model pixels: 9×9. */
const radius = 4;
/**
 * Variance, in (−1…1)² units, below which a window counts as flat: a standard deviation of 2 gray levels in
 * 100.
 */
const epsilon = 0.0016;

/** R² of a window up to which A is dropped, and from which it is fully kept. */
const [noneExplained, allExplained] = [0.6, 0.9];

type Matrix = readonly number[];
const identity: Matrix = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/**
 * (Σ + ε·1)⁻¹(C + ε·prior) for the symmetric 3×3 Σ (six values) and 3×3 C [from input channel, to output
 * channel].
 */
function ridge(sigma: Float64Array, c: Float64Array, prior: Matrix, into: Float64Array): void {
  const [a, b, d] = [sigma[0]! + epsilon, sigma[1]!, sigma[2]!];
  const [e, f, i] = [sigma[3]! + epsilon, sigma[4]!, sigma[5]! + epsilon];
  // The inverse of [[a b d][b e f][d f i]] is symmetric too: its cofactors over the determinant.
  const [m00, m01, m02] = [e * i - f * f, d * f - b * i, b * f - d * e];
  const [m11, m12, m22] = [a * i - d * d, b * d - a * f, a * e - b * b];
  const scale = 1 / (a * m00 + b * m01 + d * m02);
  for (let out = 0; out < 3; out++) {
    const r = c[out]! + epsilon * prior[out]!;
    const g = c[3 + out]! + epsilon * prior[3 + out]!;
    const l = c[6 + out]! + epsilon * prior[6 + out]!;
    into[out] = (m00 * r + m01 * g + m02 * l) * scale;
    into[3 + out] = (m01 * r + m11 * g + m12 * l) * scale;
    into[6 + out] = (m02 * r + m12 * g + m22 * l) * scale;
  }
}

/**
 * The share of `variance`, over all channels of p, that the map explains. A flat window, up to ε per channel,
 * counts as explained.
 */
function explainedShare(sigma: Float64Array, c: Float64Array, map: Float64Array, variance: number): number {
  const [s00, s01, s02] = [sigma[0]!, sigma[1]!, sigma[2]!];
  const [s11, s12, s22] = [sigma[3]!, sigma[4]!, sigma[5]!];
  let residual = variance;
  for (let out = 0; out < 3; out++) {
    const [x, y, z] = [map[out]!, map[3 + out]!, map[6 + out]!];
    const squared = s00 * x * x + s11 * y * y + s22 * z * z + 2 * (s01 * x * y + s02 * x * z + s12 * y * z);
    residual += squared - 2 * (x * c[out]! + y * c[3 + out]! + z * c[6 + out]!);
  }
  return 1 - residual / (variance + 3 * epsilon);
}

const weightOf = (explained: number): number =>
  Math.min(1, Math.max(0, (explained - noneExplained) / (allExplained - noneExplained)));

/** Solves for A at every position. `mean` averages a statistic over the window. */
function fitMap(
  input: RgbImage,
  edited: RgbImage,
  mean: (plane: Float64Array) => Float64Array,
  prior: (position: number) => Matrix,
  weigh: (explained: number) => number = () => 1,
): Float32Array[] {
  const area = input.width * input.height;
  const plane = (image: RgbImage, channel: number): Float64Array =>
    Float64Array.from(image.data.subarray(channel * area, (channel + 1) * area));
  const i = [0, 1, 2].map((channel) => plane(input, channel));
  const p = [0, 1, 2].map((channel) => plane(edited, channel));
  const meanI = i.map(mean);
  const meanP = p.map(mean);
  const product = (x: Float64Array, y: Float64Array): Float64Array => {
    const products = new Float64Array(area);
    for (let at = 0; at < area; at++) products[at] = x[at]! * y[at]!;
    return mean(products);
  };
  const upper = [
    [0, 0],
    [0, 1],
    [0, 2],
    [1, 1],
    [1, 2],
    [2, 2],
  ] as const;
  const meanII = upper.map(([row, column]) => product(i[row]!, i[column]!));
  const meanPP = p.map((channel) => product(channel, channel));
  const meanIP = identity.map((_, at) => product(i[Math.floor(at / 3)]!, p[at % 3]!));
  const positions = meanI[0]!.length;
  const map = identity.map(() => new Float32Array(positions));
  // Allocated once, because arrays for each position would be most of the time.
  const [sigma, cross, solved] = [new Float64Array(6), new Float64Array(9), new Float64Array(9)];
  for (let at = 0; at < positions; at++) {
    for (let row = 0, k = 0; row < 3; row++)
      for (let column = row; column < 3; column++, k++)
        sigma[k] = meanII[k]![at]! - meanI[row]![at]! * meanI[column]![at]!;
    for (let from = 0; from < 3; from++)
      for (let to = 0; to < 3; to++)
        cross[3 * from + to] = meanIP[3 * from + to]![at]! - meanI[from]![at]! * meanP[to]![at]!;
    ridge(sigma, cross, prior(at), solved);
    let variance = 0;
    for (let channel = 0; channel < 3; channel++)
      variance = variance + meanPP[channel]![at]! - meanP[channel]![at]! ** 2;
    const weight = weigh(explainedShare(sigma, cross, solved, variance));
    for (let k = 0; k < 9; k++) map[k]![at] = weight * solved[k]!;
  }
  return map;
}

/**
 * A at every pixel, as nine planes [height, width] with index 3·(input channel) + (output channel). `edited`
 * has the size of `input`.
 */
export function localLinearMap(input: RgbImage, edited: RgbImage): Float32Array[] {
  const whole = fitMap(
    input,
    edited,
    (plane) => Float64Array.of(plane.reduce((sum, value) => sum + value, 0) / plane.length),
    () => identity,
  ).map((plane) => plane[0]!);
  const { width, height } = input;
  const local = fitMap(
    input,
    edited,
    (plane) => boxMean(plane, width, height, radius),
    () => whole,
    weightOf,
  );
  return local.map((plane) => Float32Array.from(boxMean(Float64Array.from(plane), width, height, radius)));
}
