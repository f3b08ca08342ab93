import { createRgbImage, type RgbImage } from "../images/rgb-image.ts";

/** A 3D lookup table: output colors on a lattice of input colors, with interpolation between them. */
export interface ColorLut {
  /** N: entries per axis. */
  readonly size: number;
  /** [N, N, N, 3] by blue, green, red, channel: red changes fastest. sRGB-encoded, usually 0 to 1. */
  readonly colors: Float32Array;
  /** The input colors of the first and the last entry, by channel. */
  readonly domain: { readonly min: Triple; readonly max: Triple };
}

export type Triple = readonly [number, number, number];

/** Supported sizes. .cube allows 256, a table of 16 million colors. */
export const lutSizes = { min: 2, max: 129 } as const;

/** Tabulates a function of r, g, b in [0, 1]. */
export function tabulate(size: number, map: (r: number, g: number, b: number) => Triple): ColorLut {
  const colors = new Float32Array(size ** 3 * 3);
  const last = size - 1;
  for (let b = 0, node = 0; b < size; b++)
    for (let g = 0; g < size; g++)
      for (let r = 0; r < size; r++, node++) colors.set(map(r / last, g / last, b / last), node * 3);
  return { size, colors, domain: { min: [0, 0, 0], max: [1, 1, 1] } };
}

/** Applies a table to an image. Colors outside the domain are clamped to it, and results are clipped. */
export function applyLut(lut: ColorLut, { width, height, data }: RgbImage): RgbImage {
  const area = width * height;
  const result = new Float32Array(3 * area);
  const looked: [number, number, number] = [0, 0, 0];
  for (let pixel = 0; pixel < area; pixel++) {
    lookUp(
      lut,
      (data[pixel]! + 1) / 2,
      (data[area + pixel]! + 1) / 2,
      (data[2 * area + pixel]! + 1) / 2,
      looked,
    );
    for (let channel = 0; channel < 3; channel++)
      result[channel * area + pixel] = 2 * Math.min(1, Math.max(0, looked[channel]!)) - 1;
  }
  return createRgbImage(width, height, result);
}

/**
 * Tetrahedral interpolation: the cell around (r, g, b) is split along its gray diagonal into six tetrahedra,
 * and the four corners of the one that contains the color are blended. In descending order of the fractions,
 * each corner takes one more step:
 *
 *     c₀ + f₁·(c₁ − c₀) + f₂·(c₂ − c₁) + f₃·(c₃ − c₂)
 *
 * Grays stay gray if the table's grays are, unlike with trilinear interpolation.
 */
function lookUp(
  { size, colors, domain: { min, max } }: ColorLut,
  r: number,
  g: number,
  b: number,
  into: [number, number, number],
): void {
  const place = (value: number, channel: 0 | 1 | 2) =>
    Math.min(1, Math.max(0, (value - min[channel]) / (max[channel] - min[channel]))) * (size - 1);
  const [x, y, z] = [place(r, 0), place(g, 1), place(b, 2)];
  const cell = (at: number) => Math.min(size - 2, Math.floor(at));
  const [i, j, k] = [cell(x), cell(y), cell(z)];
  const [fx, fy, fz] = [x - i, y - j, z - k];
  const [dx, dy, dz] = [3, 3 * size, 3 * size * size];
  const origin = i * dx + j * dy + k * dz;
  const far = origin + dx + dy + dz;
  // The steps in the order of their fractions; the last one leads to `far`.
  let [first, second, f1, f2, f3] = [dx, dx + dy, fx, fy, fz];
  if (fx > fy) {
    if (fy <= fz && fx > fz) [second, f2, f3] = [dx + dz, fz, fy];
    else if (fx <= fz) [first, second, f1, f2, f3] = [dz, dx + dz, fz, fx, fy];
  } else if (fz > fy) [first, second, f1, f2, f3] = [dz, dy + dz, fz, fy, fx];
  else if (fz > fx) [first, second, f1, f2, f3] = [dy, dy + dz, fy, fz, fx];
  else [first, second, f1, f2, f3] = [dy, dx + dy, fy, fx, fz];
  for (let channel = 0; channel < 3; channel++)
    into[channel] =
      (1 - f1) * colors[origin + channel]! +
      (f1 - f2) * colors[origin + first + channel]! +
      (f2 - f3) * colors[origin + second + channel]! +
      f3 * colors[far + channel]!;
}
