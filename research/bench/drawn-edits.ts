import type { RgbImage } from "../../engine/images/rgb-image.ts";

/** Maps a pixel, with channels in [−1, 1]. */
type PixelMap = (r: number, g: number, b: number) => readonly [number, number, number];

/**
 * Edits by formula, so that any photo has a true edit: channel mixes and curves that the model's vocabulary
 * does not describe.
 */
export const drawnEdits: Readonly<Record<string, PixelMap>> = {
  "mixed channels": (r, g, b) => [0.2 * r + 0.8 * g, 0.5 * b + 0.4 * r + 0.05, 0.9 * r - 0.1 * g - 0.1],
  "a curve a channel": (r, g, b) => [0.9 * Math.sin(1.4 * r) + 0.1, 0.6 * g - 0.2, 0.3 - 0.5 * b],
  "ink and straw": (r, g, b) => {
    const light = (0.3 * r + 0.59 * g + 0.11 * b + 1) / 2;
    return [1.5 * light - 0.7, 1.2 * light ** 2 - 0.3, 0.2 - 0.5 * light];
  },
};

export function drawEdit({ width, height, data }: RgbImage, edit: PixelMap): RgbImage {
  const plane = width * height;
  const edited = new Float32Array(data.length);
  for (let i = 0; i < plane; i++)
    for (const [c, x] of edit(data[i]!, data[plane + i]!, data[2 * plane + i]!).entries())
      edited[c * plane + i] = Math.max(-1, Math.min(1, x));
  return { width, height, data: edited };
}
