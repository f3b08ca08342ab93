import { createRgbImage, type RgbImage } from "../images/rgb-image.ts";

/** A 3D lookup table: what every color of a lattice becomes; colors between are interpolated. */
export interface ColorLut {
  /** N: nodes a side. */
  readonly size: number;
  /** [N, N, N, 3] by blue, green, red, channel: red changes fastest. sRGB-encoded, 0 to 1, or beyond where a table says so. */
  readonly colors: Float32Array;
  /** The colors at the first and the last node, by channel. */
  readonly domain: { readonly min: Triple; readonly max: Triple };
}

export type Triple = readonly [number, number, number];

/** Sides that are read and written; .cube allows 256, a table of 16 million colors that no look needs. */
export const lutSizes = { least: 2, most: 129 } as const;

/** The table of a function of r, g, b in [0, 1]. */
export function tabulate(size: number, map: (r: number, g: number, b: number) => Triple): ColorLut {
  const colors = new Float32Array(size ** 3 * 3);
  const last = size - 1;
  for (let b = 0, node = 0; b < size; b++)
    for (let g = 0; g < size; g++)
      for (let r = 0; r < size; r++, node++) colors.set(map(r / last, g / last, b / last), node * 3);
  return { size, colors, domain: { min: [0, 0, 0], max: [1, 1, 1] } };
}

/** The image with every color looked up; colors outside of the table's domain count as its nearest, results are clipped. */
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
 * Tetrahedral interpolation: the cell around (r, g, b) is cut along its gray diagonal into six tetrahedra, and the four corners of
 * the one that holds the color are mixed. Along the order of the fractions, largest first, each corner takes one more step:
 *
 *     c₀ + f₁·(c₁ − c₀) + f₂·(c₂ − c₁) + f₃·(c₃ − c₂)
 *
 * It keeps grays gray where the table does, which trilinear mixing of eight corners does not.
 */
export function lookUp(
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
  // The steps in the order of their fractions; the last of the three leads to `far`.
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
