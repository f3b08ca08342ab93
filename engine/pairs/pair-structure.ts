import { boxMean } from "../images/box-mean.ts";
import { resamplePlanes } from "../images/resample.ts";
import type { RgbImage } from "../images/rgb-image.ts";

/** How the outlines of AFTER align with those of BEFORE. */
export type PairStructure =
  | { readonly kind: "aligned" }
  /** An image is too plain or too regular to decide. */
  | { readonly kind: "unknown" }
  /** The outlines do not match: another scene, a mirrored or rotated one, or one shifted far. */
  | { readonly kind: "different" }
  /** AFTER is shifted to the right by `x` of its width and down by `y` of its height. */
  | { readonly kind: "shifted"; readonly x: number; readonly y: number }
  /** Left and right are swapped. */
  | { readonly kind: "mirrored" }
  /** Parts are shifted relative to each other: slightly rotated or scaled. */
  | { readonly kind: "warped" };

/**
 * Longest side in pixels of the maps that are compared. Texture edits (grain, dots, sketch) are below this
 * resolution.
 */
const side = 64;
/**
 * Radius in map pixels within which outlines are normalized, so that dark and flat parts count as much as
 * others.
 */
const localRadius = 6;
/** Gradient, in units of [−1, 1], below which a pixel counts as noise. */
const noise = 0.04;
/** A map of outlines with a lower deviation counts as empty. */
const minDeviation = 0.1;

/** Search range in pixels of the map, over the whole map and over a quarter of it. */
const range = 10;
const quarterRange = 5;

/**
 * Compares the outlines of a pair of one size: gradient magnitudes over all three channels, relative to their
 * surroundings, so that recoloring, inversion, darkening or fog change little. The normalized correlation
 * without shift must be at least `minLikeness`, and no shift, of the whole or of most of its quarters, may
 * be clearly better.
 */
export function comparePair(before: RgbImage, after: RgbImage): PairStructure {
  const [a, b] = [outlines(before), outlines(after)];
  if (Math.min(deviation(a), deviation(b)) < minDeviation) return { kind: "unknown" };
  const everywhere = { left: 0, top: 0, width: a.width, height: a.height };
  const whole = bestShift(a, b, everywhere, range);
  const flipped = bestShift(a, mirror(b), everywhere, range);
  const mirrored = Math.max(flipped.unshifted, flipped.likeness);
  if (mirrored > minMirrored && mirrored > whole.unshifted + mirrorMargin) return { kind: "mirrored" };
  if (whole.unshifted < minLikeness) return { kind: "different" };
  if (whole.likeness > whole.unshifted + shiftMargin)
    return { kind: "shifted", x: whole.x / a.width, y: whole.y / a.height };
  const quarters = quartersOf(a).map((part) => bestShift(a, b, part, quarterRange));
  const astray = quarters.filter(
    ({ likeness, unshifted }) => likeness > unshifted + quarterMargin && likeness > quarterLikeness,
  );
  return astray.length >= 2 ? { kind: "warped" } : { kind: "aligned" };
}

const minLikeness = 0.15;
const minMirrored = 0.3;
const mirrorMargin = 0.1;
const shiftMargin = 0.06;
const quarterMargin = 0.05;
const quarterLikeness = 0.4;

interface Plane {
  readonly width: number;
  readonly height: number;
  readonly data: Float64Array;
}

interface Part {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function outlines(image: RgbImage): Plane {
  const scale = Math.min(1, side / Math.max(image.width, image.height));
  const width = Math.max(1, Math.round(image.width * scale));
  const height = Math.max(1, Math.round(image.height * scale));
  const planes = resamplePlanes(image.data, image, { width, height });
  const gradient = new Float64Array(width * height);
  for (let channel = 0; channel < 3; channel++) {
    const plane = planes.subarray(channel * width * height, (channel + 1) * width * height);
    const smooth = boxMean(Float64Array.from(plane), width, height, 1);
    const at = (x: number, y: number) =>
      smooth[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))]!;
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        gradient[y * width + x]! += (at(x + 1, y) - at(x - 1, y)) ** 2 + (at(x, y + 1) - at(x, y - 1)) ** 2;
  }
  const magnitude = gradient.map(Math.sqrt);
  const around = boxMean(magnitude, width, height, localRadius);
  return { width, height, data: magnitude.map((g, i) => Math.min(4, g / (around[i]! + noise))) };
}

function deviation({ data }: Plane): number {
  const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
  return Math.sqrt(data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length);
}

function mirror({ width, height, data }: Plane): Plane {
  const mirrored = data.map((_, i) => data[i - (i % width) + width - 1 - (i % width)]!);
  return { width, height, data: mirrored };
}

function quartersOf({ width, height }: Plane): Part[] {
  const [w, h] = [Math.floor(width / 2), Math.floor(height / 2)];
  return [0, h].flatMap((top) => [0, w].map((left) => ({ left, top, width: w, height: h })));
}

interface Shift {
  readonly x: number;
  readonly y: number;
  /** Highest correlation at a shift of more than a pixel. */
  readonly likeness: number;
  /** Highest correlation within a pixel of no shift. */
  readonly unshifted: number;
}

function bestShift(a: Plane, b: Plane, part: Part, max: number): Shift {
  let best = { x: 0, y: 0, likeness: Number.NEGATIVE_INFINITY };
  let unshifted = Number.NEGATIVE_INFINITY;
  for (let y = -max; y <= max; y++)
    for (let x = -max; x <= max; x++) {
      const likeness = correlation(a, b, part, x, y);
      if (Math.max(Math.abs(x), Math.abs(y)) <= 1) unshifted = Math.max(unshifted, likeness);
      else if (likeness > best.likeness) best = { x, y, likeness };
    }
  return { ...best, unshifted };
}

/** Pearson correlation where `part` of a and the same part of b, moved back by (x, y), overlap. */
function correlation(a: Plane, b: Plane, { left, top, width, height }: Part, x: number, y: number): number {
  let [n, sa, sb, saa, sbb, sab] = [0, 0, 0, 0, 0, 0];
  for (let row = Math.max(0, -y); row < Math.min(height, height - y); row++)
    for (let column = Math.max(0, -x); column < Math.min(width, width - x); column++) {
      const u = a.data[(top + row) * a.width + left + column]!;
      const v = b.data[(top + row + y) * b.width + left + column + x]!;
      n += 1;
      sa += u;
      sb += v;
      saa += u * u;
      sbb += v * v;
      sab += u * v;
    }
  if (n < 16) return Number.NEGATIVE_INFINITY;
  const covariance = sab - (sa * sb) / n;
  const spread = (saa - (sa * sa) / n) * (sbb - (sb * sb) / n);
  return spread > 1e-9 ? covariance / Math.sqrt(spread) : 0;
}
