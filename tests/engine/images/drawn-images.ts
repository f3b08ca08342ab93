import { createRgbImage, type RgbImage } from "../../../engine/images/rgb-image.ts";

/**
 * An image of a formula: `shade(u, v)` in [−1, 1] for u, v in [0, 1], each color channel a little darker.
 */
export function drawImage(width: number, height: number, shade: (u: number, v: number) => number): RgbImage {
  const data = Float32Array.from({ length: 3 * width * height }, (_, i) => {
    const pixel = i % (width * height);
    const channel = Math.floor(i / (width * height));
    return (1 - 0.2 * channel) * shade((pixel % width) / width, Math.floor(pixel / width) / height);
  });
  return { width, height, data };
}

export const waves = (width: number, height: number, phase = 0): RgbImage =>
  drawImage(width, height, (u, v) => 0.8 * Math.sin(9 * u + phase) * Math.cos(5 * v));

export const negative = (image: RgbImage): RgbImage => ({ ...image, data: image.data.map((x) => -x) });

/** One color everywhere; `red`, `green`, `blue` in [−1, 1]. */
export function createPlainImage(
  width: number,
  height: number,
  [red, green, blue]: readonly [number, number, number],
): RgbImage {
  const area = width * height;
  const data = new Float32Array(3 * area);
  data
    .fill(red, 0, area)
    .fill(green, area, 2 * area)
    .fill(blue, 2 * area);
  return createRgbImage(width, height, data);
}
