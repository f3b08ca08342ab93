import { expect, it } from "vitest";
import { blendByMask, fitMask, maskOf } from "../../../engine/images/mask-image.ts";
import { createRgbImage } from "../../../engine/images/rgb-image.ts";
import { createPlainImage } from "./drawn-images.ts";
import { drawnImage, mapPixels } from "./stand-ins.ts";

const names = { mask: "mask.png", photo: "photo.jpg" };
/** White on the right. */
const halves = (width: number, height: number) =>
  createRgbImage(
    width,
    height,
    Float32Array.from({ length: 3 * width * height }, (_, at) => (at % width < width / 2 ? -1 : 1)),
  );

it("a mask of another size and the same aspect ratio keeps one side bit for bit, and edits the other", () => {
  const photo = drawnImage(300, 200);
  const edited = mapPixels(photo, ([r, g, b]) => [-r, -g, -b]);
  const mask = fitMask(halves(150, 100), photo, names);
  const blended = blendByMask(photo, edited, mask);
  for (const x of [0, 40, 140]) expect(blended.data[100 * 300 + x]).toBe(photo.data[100 * 300 + x]);
  for (const x of [160, 299]) expect(blended.data[100 * 300 + x]).toBeCloseTo(edited.data[100 * 300 + x]!, 5);
  const edge = maskOf(mask).subarray(100 * 300 + 140, 100 * 300 + 160);
  expect([...edge]).toEqual([...edge].sort((a, b) => a - b));
  expect(edge.some((value) => value > 0.2 && value < 0.8)).toBe(true);
});

it.each([
  [
    halves(100, 100),
    "The mask mask.png is 100×100 and photo.jpg is 300×200; use a mask with the photo's aspect ratio.",
  ],
  [
    createPlainImage(300, 200, [-1, -1, -1]),
    "The mask mask.png is completely black, so nothing would be edited; paint the part to edit white.",
  ],
])("is refused in a sentence", (mask, sentence) => {
  expect(() => fitMask(mask, drawnImage(300, 200), names)).toThrow(
    expect.objectContaining({ name: "VisibleError", code: "invalid_mask", message: sentence }),
  );
});
