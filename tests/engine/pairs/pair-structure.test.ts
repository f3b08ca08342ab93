import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { decodeImage } from "../../../engine/images/decode-image.ts";
import { coverImage } from "../../../engine/images/resize-image.ts";
import { cropImage, type RgbImage } from "../../../engine/images/rgb-image.ts";
import { comparePair } from "../../../engine/pairs/pair-structure.ts";
import { createPlainImage } from "../images/drawn-images.ts";
import { mapPixels } from "../images/stand-ins.ts";

const demo = (file: string) => fileURLToPath(new URL(`../../../demo/${file}`, import.meta.url));
let before: RgbImage;
let after: RgbImage;
let other: RgbImage;

beforeAll(async () => {
  before = (await decodeImage(demo("before.jpg"))).image;
  after = (await decodeImage(demo("after.png"))).image;
  other = (await decodeImage(demo("coffee.jpg"))).image;
});

const luma = ([r, g, b]: readonly [number, number, number]) => 0.3 * r + 0.6 * g + 0.1 * b;

/** The part of an image that begins at (left, top), as large as the maximum shift allows. */
const window = ({ width, height }: RgbImage, left: number, top: number, most: number) => ({
  left,
  top,
  width: width - most,
  height: height - most,
});

describe("comparePair", () => {
  it("finds aligned outlines under any change of colors", () => {
    const edits = {
      "the demo's edit": after,
      inverted: mapPixels(before, ([r, g, b]) => [-r, -g, -b]),
      "far darker": mapPixels(before, ([r, g, b]) => [0.1 * r - 0.9, 0.1 * g - 0.9, 0.1 * b - 0.9]),
      "a duotone": mapPixels(before, (rgb) => [luma(rgb), 0.2 - 0.5 * luma(rgb), 0.4]),
      "black and white at a threshold": mapPixels(before, (rgb) =>
        luma(rgb) > 0 ? [1, 1, 1] : [-1, -1, -1],
      ),
    };
    for (const [name, edited] of Object.entries(edits))
      expect(comparePair(before, edited).kind, name).toBe("aligned");
  });

  it("detects a shift and its distance", () => {
    const [dx, dy] = [20, 10];
    const from = cropImage(before, window(before, dx, dy, dx));
    const to = cropImage(after, window(after, 0, 0, dx));
    const structure = comparePair(from, to);
    expect(structure.kind).toBe("shifted");
    // A pixel of the 64-pixel map either way.
    const tolerance = 1 / 64;
    if (structure.kind !== "shifted") return;
    expect(Math.abs(structure.x - dx / from.width)).toBeLessThan(tolerance);
    expect(Math.abs(structure.y - dy / from.height)).toBeLessThan(tolerance);
  });

  it("detects a mirrored, an enlarged and an unrelated image", () => {
    const { width, height, data } = after;
    const mirrored = data.map((_, i) => data[i - (i % width) + width - 1 - (i % width)]!);
    expect(comparePair(before, { width, height, data: mirrored }).kind).toBe("mirrored");
    const inner = cropImage(after, {
      left: Math.round(0.08 * width),
      top: Math.round(0.08 * height),
      width: Math.round(0.84 * width),
      height: Math.round(0.84 * height),
    });
    expect(["warped", "shifted"]).toContain(comparePair(before, coverImage(inner, width, height)).kind);
    expect(comparePair(before, coverImage(other, width, height)).kind).toBe("different");
  });

  it("returns nothing without outlines", () => {
    const plain = createPlainImage(before.width, before.height, [0.2, 0.2, 0.2]);
    expect(comparePair(before, plain).kind).toBe("unknown");
    expect(comparePair(plain, plain).kind).toBe("unknown");
  });
});
