import { InternalError } from "../errors.ts";
import { convolveSeparably, gaussianKernel } from "../images/gaussian-blur.ts";
import type { RgbImage } from "../images/rgb-image.ts";

/**
 * Difference in texture between two images, independent of position:
 *
 *     f       responses of R, G and B to ∂x, ∂y, ∂xx, ∂xy, ∂yy of a Gaussian of σ = 1 pixel (a steerable
 * basis of
 *             orders 1 and 2)
 *     φ       max(f, 0) and max(−f, 0), 30 of them
 *     G_s     mean over the pixels of level s of φ·φᵀ; level s + 1 is level s blurred and halved
 *     D       mean over s of ‖G_s(a) − G_s(b)‖ / (‖G_s(a)‖ + ‖G_s(b)‖), Frobenius norms
 *
 * 0 for equal statistics, 1 for disjoint ones. Second-order statistics of rectified filter responses over
 * scales describe a texture (Portilla & Simoncelli 2000, who correlate moduli of a steerable pyramid). D is
 * the Gram matrix distance of Gatys, Ecker & Bethge 2016 with fixed filters instead of a network's. The
 * filters have zero mean, so D ignores flat color.
 */
export function styleDistance(a: StyleStatistics, b: StyleStatistics): number {
  if (a.levels.length !== b.levels.length)
    throw new InternalError(`style statistics of ${a.levels.length} and ${b.levels.length} levels`);
  const distances = a.levels.map((gram, level) => {
    const other = b.levels[level]!;
    const sum = norm(gram) + norm(other);
    return sum === 0 ? 0 : norm(gram.map((value, i) => value - other[i]!)) / sum;
  });
  return distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
}

/** G_s of every level, each [30 · 30]. */
export interface StyleStatistics {
  readonly levels: readonly Float64Array[];
}

/** Maximum number of levels; the coarsest covers structures of about 20 pixels. */
const maxLevels = 4;
/**
 * Minimum side of a coarser level in pixels. Means over fewer pixels depend more on position than on texture.
 */
const minSide = 32;

/** Computes the statistics of an image. Images of one size have the same number of levels. */
export function styleStatistics({ width, height, data }: RgbImage): StyleStatistics {
  let planes: Float64Array[] = [0, 1, 2].map((channel) =>
    Float64Array.from(data.subarray(channel * width * height, (channel + 1) * width * height)),
  );
  let size = { width, height };
  const levels: Float64Array[] = [];
  do {
    const { width: w, height: h } = size;
    levels.push(gramMatrix(planes.flatMap((plane) => rectified(responses(plane, w, h)))));
    planes = planes.map((plane) => halve(plane, w, h));
    size = { width: Math.ceil(w / 2), height: Math.ceil(h / 2) };
  } while (levels.length < maxLevels && Math.min(size.width, size.height) >= minSide);
  return { levels };
}

const gaussian = gaussianKernel(1);
/**
 * −x·g(x) and (x² − 1)·g(x): the first and second derivative of the Gaussian g of σ = 1, the second adjusted
 * to zero mean.
 */
const first = gaussian.map((weight, tap) => -(tap - 3) * weight);
const second = zeroMean(gaussian.map((weight, tap) => ((tap - 3) ** 2 - 1) * weight));

function zeroMean(kernel: Float64Array): Float64Array {
  const mean = kernel.reduce((sum, weight) => sum + weight, 0) / kernel.length;
  return kernel.map((weight) => weight - mean);
}

function responses(plane: Float64Array, width: number, height: number): Float64Array[] {
  const filters = [
    [first, gaussian],
    [gaussian, first],
    [second, gaussian],
    [first, first],
    [gaussian, second],
  ] as const;
  return filters.map(([horizontal, vertical]) =>
    convolveSeparably(plane, width, height, horizontal, vertical),
  );
}

function rectified(planes: readonly Float64Array[]): Float64Array[] {
  return planes.flatMap((plane) => [plane.map((f) => Math.max(f, 0)), plane.map((f) => Math.max(-f, 0))]);
}

function gramMatrix(features: readonly Float64Array[]): Float64Array {
  const count = features.length;
  const gram = new Float64Array(count * count);
  for (let i = 0; i < count; i++)
    for (let j = i; j < count; j++) {
      const [a, b] = [features[i]!, features[j]!];
      let sum = 0;
      for (let pixel = 0; pixel < a.length; pixel++) sum += a[pixel]! * b[pixel]!;
      gram[i * count + j] = gram[j * count + i] = sum / a.length;
    }
  return gram;
}

/** Blurs with a Gaussian of σ = 1 and keeps every second pixel. */
function halve(plane: Float64Array, width: number, height: number): Float64Array {
  const smooth = convolveSeparably(plane, width, height, gaussian, gaussian);
  const half = new Float64Array(Math.ceil(width / 2) * Math.ceil(height / 2));
  let next = 0;
  for (let y = 0; y < height; y += 2)
    for (let x = 0; x < width; x += 2) half[next++] = smooth[y * width + x]!;
  return half;
}

function norm(matrix: Float64Array): number {
  return Math.sqrt(matrix.reduce((sum, value) => sum + value * value, 0));
}
