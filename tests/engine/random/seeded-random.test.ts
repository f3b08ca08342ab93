import { expect, it } from "vitest";
import { SeededRandom } from "../../../engine/random/seeded-random.ts";
import { trainingNoise } from "../../../engine/random/training-noise.ts";

const count = 200_000;

it("draws normals of mean 0, variance 1 and the right tails", () => {
  const draws = new SeededRandom(1, "normal").normals(count);
  const mean = draws.reduce((sum, x) => sum + x, 0) / count;
  const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count;
  const beyondTwo = draws.filter((x) => Math.abs(x) > 2).length / count;
  // Four standard errors of each at this count.
  expect(Math.abs(mean)).toBeLessThan(0.009);
  expect(Math.abs(variance - 1)).toBeLessThan(0.0127);
  expect(Math.abs(beyondTwo - 0.0455)).toBeLessThan(0.0019);
});

it("gives every key its own sequence", () => {
  const first = (...path: (string | number)[]) => new SeededRandom(7, ...path).uniform();
  const draws = [
    first("noise", 1),
    first("noise", 2),
    first("noise", 12),
    first("noise", 1, 2),
    first("order", 1),
  ];
  expect(new Set(draws).size).toBe(draws.length);
  expect(first("noise", 1)).toBe(draws[0]);
});

it("distinguishes large seeds", () => {
  const draws = [5, 5 + 2 ** 32, 5 + 2 ** 33].map((seed) => new SeededRandom(seed).uniform());
  expect(new Set(draws).size).toBe(3);
});

it("permutes without loss", () => {
  const order = new SeededRandom(3).permutation(100);
  expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(order).not.toEqual(order.toSorted((a, b) => a - b));
});

it("regenerates a timestep's noise, equal at each position for all image sizes", () => {
  const [wide, tall] = [
    { channels: 2, height: 4, width: 9 },
    { channels: 3, height: 7, width: 5 },
  ];
  const at = ({ width, height }: typeof wide, c: number, y: number, x: number) =>
    (c * height + y) * width + x;
  const noise = trainingNoise(11, 840, wide);
  expect(trainingNoise(11, 840.4, wide)).toEqual(noise);
  expect(trainingNoise(11, 841, wide)).not.toEqual(noise);
  expect(new Set(noise).size).toBe(noise.length);
  const other = trainingNoise(11, 840, tall);
  for (let c = 0; c < 2; c++)
    for (let y = 0; y < 4; y++)
      for (let x = 0; x < 5; x++) expect(other[at(tall, c, y, x)]).toBe(noise[at(wide, c, y, x)]);
});

it("draws standard normal noise over rows and channels", () => {
  const noise = trainingNoise(3, 500, { channels: 4, height: 64, width: 64 });
  const mean = noise.reduce((sum, x) => sum + x, 0) / noise.length;
  const variance = noise.reduce((sum, x) => sum + x * x, 0) / noise.length - mean ** 2;
  // 16,384 draws: four standard errors.
  expect(Math.abs(mean)).toBeLessThan(0.032);
  expect(Math.abs(variance - 1)).toBeLessThan(0.045);
});

it("fills an array with the numbers that it returns one by one", () => {
  const [filling, counting] = [new SeededRandom(9, "fill"), new SeededRandom(9, "fill")];
  const values = new Float32Array(1000);
  filling.fillUniform(values, -2, 3);
  const expected = Float32Array.from({ length: 1000 }, () => -2 + 5 * counting.uniform());
  // float32 rounds the sum; the order of the products may differ by one unit in the last place of 3.
  for (const [i, value] of values.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(3e-7);
  expect(filling.uniform()).toBe(counting.uniform());
});
