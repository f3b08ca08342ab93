import { expect, it } from "vitest";
import { boxMean } from "../../../engine/images/box-mean.ts";
import { SeededRandom } from "../../../engine/random/seeded-random.ts";

it.each([
  [7, 5, 1],
  [24, 17, 4],
  [6, 9, 20],
  [1, 1, 3],
])(
  "is the mean of each window of a %i×%i plane, clipped at the edges, with radius %i",
  (width, height, radius) => {
    const plane = Float64Array.from(new SeededRandom(3, "plane").normals(width * height));
    const means = boxMean(plane, width, height, radius);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const window: number[] = [];
        for (let row = Math.max(0, y - radius); row <= Math.min(height - 1, y + radius); row++)
          for (let column = Math.max(0, x - radius); column <= Math.min(width - 1, x + radius); column++)
            window.push(plane[row * width + column]!);
        const mean = window.reduce((sum, value) => sum + value, 0) / window.length;
        expect(Math.abs(means[y * width + x]! - mean)).toBeLessThan(1e-13);
      }
  },
);
