import { describe, expect, it } from "vitest";
import { featureCounts, featureSets, pixelFeatures } from "../../../engine/baselines/edit-features.ts";
import { applyFit, crossValidatedPsnr, fitEdit } from "../../../engine/baselines/fit-edit.ts";
import { NormalEquations } from "../../../engine/baselines/ridge-regression.ts";
import { psnr } from "../../../engine/image-quality/psnr.ts";
import type { RgbImage } from "../../../engine/images/rgb-image.ts";
import { SeededRandom } from "../../../engine/random/seeded-random.ts";
import { waves } from "../images/drawn-images.ts";

/** Colors of every kind, seeded. */
function noise(width: number, height: number, seed: number): RgbImage {
  const random = new SeededRandom(seed, "pixels");
  return {
    width,
    height,
    data: Float32Array.from({ length: 3 * width * height }, () => 2 * random.uniform() - 1),
  };
}

const changed = (image: RgbImage, change: (value: number, index: number) => number): RgbImage => ({
  ...image,
  data: image.data.map(change),
});

describe("ridge regression", () => {
  const random = new SeededRandom(1, "rows");
  const rows = Array.from({ length: 50 }, () =>
    Float64Array.from({ length: 4 }, () => random.uniform() - 0.5),
  );
  const wanted = [1, -2, 0.5, 3, 0, 1, 2, -1];
  const targets = rows.map((x) =>
    Float64Array.from([0, 1], (t) => x.reduce((sum, value, i) => sum + value * wanted[2 * i + t]!, 0)),
  );
  const equations = new NormalEquations(4, 2);
  for (const [i, x] of rows.entries()) equations.add(x, targets[i]!);

  it("recovers the weights that generated the targets", () => {
    const weights = equations.solve(1e-12);
    for (const [i, weight] of weights.entries()) expect(weight).toBeCloseTo(wanted[i]!, 9);
  });

  it("computes the squared error of any weights from the sums alone", () => {
    const weights = equations.solve(0.3);
    const direct = rows.reduce(
      (sum, x, n) =>
        sum +
        [0, 1].reduce(
          (own, t) =>
            own + (targets[n]![t]! - x.reduce((dot, value, i) => dot + value * weights[2 * i + t]!, 0)) ** 2,
          0,
        ),
      0,
    );
    expect(direct).toBeGreaterThan(0.01);
    expect(equations.squaredError(weights)).toBeCloseTo(direct, 10);
  });

  it("adds and subtracts the sums of other rows", () => {
    const part = new NormalEquations(4, 2);
    for (let i = 0; i < 20; i++) part.add(rows[i]!, Float64Array.of(7, 7));
    const there = equations.plus(part);
    expect(there.rows).toBe(70);
    const back = there.minus(part).solve(0.1);
    for (const [i, weight] of equations.solve(0.1).entries()) expect(back[i]).toBeCloseTo(weight, 9);
  });
});

describe("the features of a pixel", () => {
  it.each(featureSets)("have the count of %s", (set) => {
    const features = pixelFeatures(waves(16, 12), set);
    const into = new Float64Array(64).fill(Number.NaN);
    features.read(37, into);
    expect(features.count).toBe(featureCounts[set]);
    expect(into.findIndex(Number.isNaN)).toBe(features.count);
  });
});

describe("the fit of a pair", () => {
  const before = noise(48, 40, 2);
  // A cubic of each channel: r' = r³ in [0, 1].
  const cubed = (image: RgbImage) => changed(image, (value) => 2 * ((value + 1) / 2) ** 3 - 1);

  it("is exact for a polynomial of colors, on another image", () => {
    const fit = fitEdit([{ before, after: cubed(before) }], "cubic");
    const other = noise(30, 20, 3);
    expect(psnr(applyFit(fit, other), cubed(other))).toBeGreaterThan(80);
  });

  it("fits a vignette only with local features", () => {
    const image = waves(64, 48);
    const vignette = ({ width, height, data }: RgbImage): RgbImage => ({
      width,
      height,
      data: data.map((value, i) => {
        const [x, y] = [i % width, Math.floor(i / width) % height];
        const [u, v] = [(2 * x + 1) / width - 1, (2 * y + 1) / height - 1];
        return (value + 1) * (1 - 0.4 * (u * u + v * v)) - 1;
      }),
    });
    const pair = { before: image, after: vignette(image) };
    const other = waves(96, 72, 1);
    const closeness = (set: "cubic" | "local") =>
      psnr(applyFit(fitEdit([pair], set), other), vignette(other));
    expect(closeness("cubic")).toBeLessThan(25);
    expect(closeness("local")).toBeGreaterThan(50);
  });

  it("is measured on held-out blocks, so that noise does not look like an edit", () => {
    const colors = crossValidatedPsnr([{ before, after: cubed(before) }], "cubic");
    expect(colors).toBeGreaterThan(80);
    const unlike = crossValidatedPsnr([{ before, after: noise(48, 40, 9) }], "local");
    // Uniform noise around its mean: 10·log₁₀ 12. Measured on its own training pixels, a fit of 37 numbers
    // would be higher.
    expect(unlike).toBeLessThan(10 * Math.log10(12));
    expect(unlike).toBeGreaterThan(10.5);
  });

  it("uses all pairs", () => {
    const dark = changed(noise(32, 32, 4), (value) => (value - 1) / 2);
    const bright = changed(noise(32, 32, 5), (value) => (value + 1) / 2);
    const pairs = [dark, bright].map((image) => ({ before: image, after: cubed(image) }));
    const both = psnr(applyFit(fitEdit(pairs, "cubic"), before), cubed(before));
    expect(both).toBeGreaterThan(60);
  });
});
