import { describe, expect, it } from "vitest";
import { psnr } from "../../../engine/image-quality/psnr.ts";
import { fitToModel } from "../../../engine/images/fit-to-model.ts";
import { resizeImage } from "../../../engine/images/resize-image.ts";
import { createRgbImage, type RgbImage } from "../../../engine/images/rgb-image.ts";
import { fitPairs } from "../../../engine/pairs/fit-pairs.ts";
import { createPlainImage } from "./drawn-images.ts";
import { drawnImage, grainyImage, mapPixels, texturedImage } from "./stand-ins.ts";

const size = { resolution: 64, multiple: 16 };

describe("fitToModel", () => {
  it.each([
    [64, 64, 64, 64],
    [640, 640, 64, 64],
    [300, 200, 80, 64],
    [200, 300, 64, 80],
    [20, 20, 64, 64],
    [1, 1, 64, 64],
    [31, 17, 96, 48],
  ])("resizes %i×%i to %i×%i", (width, height, toWidth, toHeight) => {
    const { image } = fitToModel(createPlainImage(width, height, [0.5, 0, -0.5]), size);
    expect([image.width, image.height]).toEqual([toWidth, toHeight]);
    expect(image.data.every((value) => Number.isFinite(value))).toBe(true);
  });

  it("returns an image of the right size, and its edit, bit for bit", () => {
    const photo = grainyImage(64, 64);
    const edited = mapPixels(photo, ([r, g, b]) => [b, r, g]);
    const fitted = fitToModel(photo, size);
    expect(fitted.image).toBe(photo);
    expect(fitted.restore(edited).data).toEqual(edited.data);
  });

  it("only pads, with edge pixels, an image of the right area", () => {
    const photo = drawnImage(70, 58);
    const fitted = fitToModel(photo, size);
    expect([fitted.image.width, fitted.image.height]).toEqual([80, 64]);
    expect(fitted.image.data[0]).toBe(photo.data[0]);
    expect(fitted.restore(fitted.image).data).toEqual(photo.data);
  });

  it.each([
    [300, 200],
    [200, 300],
    [96, 48],
    [97, 48],
    [20, 10],
  ])("fits %i×%i into an exact size without cropping, and restores its edit", (width, height) => {
    const photo = drawnImage(width, height);
    const exact = { width: 96, height: 48 };
    const fitted = fitToModel(photo, { ...size, exact });
    expect([fitted.image.width, fitted.image.height]).toEqual([96, 48]);
    const restored = fitted.restore(fitted.image);
    expect([restored.width, restored.height]).toEqual([width, height]);
    expect(psnr(restored, photo)).toBeGreaterThan(50);
  });

  it("restores an unedited large photo exactly, with its grain", () => {
    const photo = grainyImage(300, 200);
    const fitted = fitToModel(photo, size);
    for (const detail of ["transfer", "residual"] as const)
      expect(psnr(fitted.restore(fitted.image, detail), photo)).toBeGreaterThan(50);
    expect(psnr(fitted.restore(fitted.image, "plain"), photo)).toBeLessThan(30);
  });

  it.each<[string, Parameters<typeof mapPixels>[1]]>([
    ["a negative", ([r, g, b]) => [-r, -g, -b]],
    ["night", ([r, g, b]) => [0.3 * r - 0.6, 0.35 * g - 0.5, 0.5 * b - 0.3]],
  ])("keeps the grain through %s better than adding the difference", (_, edit) => {
    const photo = grainyImage(300, 200);
    const fitted = fitToModel(photo, size);
    const edited = mapPixels(fitted.image, edit);
    const truth = mapPixels(photo, edit);
    const quality = (detail: "transfer" | "residual" | "plain") =>
      psnr(fitted.restore(edited, detail), truth);
    expect(quality("transfer")).toBeGreaterThan(quality("residual") + 3);
    expect(quality("transfer")).toBeGreaterThan(quality("plain") + 3);
  });

  /**
   * What comes back of the detail that the small copy lost: how much of it, and how strong it is whatever
   * its sign.
   */
  const detailOf = (
    photo: RgbImage,
    edit: (input: RgbImage) => RgbImage,
  ): { kept: number; strength: number } => {
    const fitted = fitToModel(photo, size);
    const edited = edit(fitted.image);
    const [added, lost] = [
      [fitted.restore(edited, "transfer"), fitted.restore(edited, "plain")],
      [fitted.restore(fitted.image, "transfer"), fitted.restore(fitted.image, "plain")],
    ].map(([detailed, plain]) => detailed!.data.map((value, at) => value - plain!.data[at]!));
    const product = (x: Float32Array, y: Float32Array) =>
      x.reduce((sum, value, at) => sum + value * y[at]!, 0);
    return {
      kept: product(added!, lost!) / product(lost!, lost!),
      strength: Math.sqrt(product(added!, added!) / product(lost!, lost!)),
    };
  };

  it("drops the old detail where the edit changed the structure", () => {
    const photo = texturedImage(320, 320, 1);
    const shifted = (by: number) => (input: RgbImage) => {
      const { width, height } = input;
      return createRgbImage(
        width,
        height,
        input.data.map((_, at) => input.data[at - (at % width) + ((at + by) % width)]!),
      );
    };
    expect(detailOf(photo, (input) => input).kept).toBeCloseTo(1, 1);
    const negative = (input: RgbImage) => mapPixels(input, ([r, g, b]) => [-r, -g, -b]);
    expect(detailOf(photo, negative).kept).toBeCloseTo(-1, 1);
    expect(detailOf(photo, () => texturedImage(64, 64, 2)).strength).toBeLessThan(0.02);
    expect(detailOf(photo, shifted(12)).strength).toBeLessThan(0.02);
  });

  it("rejects aspect ratios above eight to one", () => {
    expect(() => fitToModel(createPlainImage(100, 10, [0, 0, 0]), size, "strip.png")).toThrow(
      /strip\.png is 100×10, longer than 8:1; crop it/,
    );
  });
});

describe("resizeImage", () => {
  it("keeps a constant color exactly, up and down", () => {
    for (const [width, height] of [
      [7, 90],
      [90, 7],
      [3, 3],
    ] as const) {
      const { data } = resizeImage(createPlainImage(31, 23, [0.25, -0.5, 0.75]), width, height);
      const worst = Math.max(
        ...data.map((value, index) =>
          Math.abs(value - [0.25, -0.5, 0.75][Math.floor(index / (width * height))]!),
        ),
      );
      expect(worst).toBeLessThan(1e-6);
    }
  });

  it("does not shift or rotate a smooth image when scaled down and up", () => {
    const photo = drawnImage(96, 64);
    expect(psnr(resizeImage(resizeImage(photo, 48, 32), 96, 64), photo)).toBeGreaterThan(38);
  });
});

describe("fitPairs", () => {
  const pair = (width: number, height: number): { before: RgbImage; after: RgbImage } => ({
    before: drawnImage(width, height),
    after: mapPixels(drawnImage(width, height), ([r, g, b]) => [-r, -g, -b]),
  });

  it("resizes every pair to the size of the first, with a warning", () => {
    const { pairs, notices } = fitPairs([pair(300, 200), pair(300, 200), pair(100, 200)], size);
    for (const { before, after } of pairs)
      expect([before.width, before.height, after.width, after.height]).toEqual([80, 64, 80, 64]);
    expect(notices).toEqual([
      "Pair 3 has another aspect ratio than the first; its center is cropped to 80×64.",
    ]);
  });
});
