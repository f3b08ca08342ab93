import sharp, { type Color } from "sharp";
import { createRgbImage, type RgbImage } from "../../../engine/images/rgb-image.ts";
import { SeededRandom } from "../../../engine/random/seeded-random.ts";

/**
 * A smooth image that differs in each corner and channel, so that flips, rotations and swaps are detected.
 */
export function drawnImage(width: number, height: number): RgbImage {
  const area = width * height;
  const data = new Float32Array(3 * area);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [u, v] = [(x + 0.5) / width, (y + 0.5) / height];
      data[y * width + x] = 1.6 * u - 0.8;
      data[area + y * width + x] = 1.2 * v - 0.6;
      data[2 * area + y * width + x] = 0.7 * Math.sin(6 * u + 4 * v);
    }
  return createRgbImage(width, height, data);
}

/** The same with fine grain, which a reduced copy does not have. */
export function grainyImage(width: number, height: number): RgbImage {
  const { data } = drawnImage(width, height);
  const area = width * height;
  return createRgbImage(
    width,
    height,
    data.map((value, index) => value * 0.8 + ((index % area) % 2 === 0 ? 0.1 : -0.1)),
  );
}

/** Noise at five scales, as photographs have structure at all of them; a different image for each seed. */
export function texturedImage(width: number, height: number, seed: number): RgbImage {
  const area = width * height;
  const data = new Float32Array(3 * area);
  for (const cells of [4, 8, 16, 32, 128]) {
    const grid = new SeededRandom(seed, "texture", cells).normals(3 * (cells + 1) ** 2);
    for (let at = 0; at < data.length; at++) {
      const [x, y] = [((at % width) / width) * cells, ((Math.floor(at / width) % height) / height) * cells];
      const [column, row] = [Math.floor(x), Math.floor(y)];
      const corner = (dx: number, dy: number) =>
        grid[(Math.floor(at / area) * (cells + 1) + row + dy) * (cells + 1) + column + dx]!;
      const [u, v] = [x - column, y - row];
      const above = corner(0, 0) + u * (corner(1, 0) - corner(0, 0));
      const below = corner(0, 1) + u * (corner(1, 1) - corner(0, 1));
      data[at]! += 0.12 * (above + v * (below - above));
    }
  }
  return createRgbImage(
    width,
    height,
    data.map((value) => Math.min(0.95, Math.max(-0.95, value))),
  );
}

export function mapPixels(
  image: RgbImage,
  change: (rgb: readonly [number, number, number]) => readonly [number, number, number],
): RgbImage {
  const area = image.width * image.height;
  const data = new Float32Array(3 * area);
  for (let pixel = 0; pixel < area; pixel++) {
    const changed = change([image.data[pixel]!, image.data[area + pixel]!, image.data[2 * area + pixel]!]);
    for (const [channel, value] of changed.entries()) data[channel * area + pixel] = value;
  }
  return createRgbImage(image.width, image.height, data);
}

/** A sharp image of uniform 8-bit pixels. */
export const plain = (width: number, height: number, background: Color) =>
  sharp({
    create: {
      width,
      height,
      channels: typeof background === "object" && "alpha" in background ? 4 : 3,
      background,
    },
  });

/** The 8-bit color of one pixel. */
export function pixelOf({ width, height, data }: RgbImage, x: number, y: number): number[] {
  return [0, 1, 2].map((channel) =>
    Math.round((data[channel * width * height + y * width + x]! + 1) * 127.5),
  );
}
