import { describe, expect, it } from "vitest";
import { alignPair } from "../../../engine/pairs/align-pair.ts";
import { createPlainImage } from "../images/drawn-images.ts";
import { drawnImage, mapPixels } from "../images/stand-ins.ts";

const photo = drawnImage(60, 40);
const negative = mapPixels(photo, ([r, g, b]) => [-r, -g, -b]);
const names = { before: "a.png", after: "b.png" };

describe("alignPair", () => {
  it("keeps a pair of equal sizes", () => {
    expect(alignPair(photo, negative)).toEqual({ before: photo, after: negative, notices: [], warnings: [] });
  });

  it("resizes unequal sizes to the smaller, with a warning", () => {
    const { before, after, notices } = alignPair(drawnImage(120, 80), negative, names);
    expect([before.width, before.height, after.width, after.height]).toEqual([60, 40, 60, 40]);
    expect(notices).toEqual(["a.png is 120×80 and b.png is 60×40; both are resized to 60×40."]);
  });

  it("rejects aspect ratios that differ by more than 5%", () => {
    expect(() => alignPair(photo, createPlainImage(60, 44, [0, 0, 0]), names)).toThrow(
      /a\.png is 60×40 and b\.png is 60×44; the aspect ratios differ by more than 5%\. Crop both/,
    );
    expect(() => alignPair(photo, createPlainImage(60, 41, [0, 0, 0]), names)).not.toThrow();
  });

  it("warns about a pair without an edit", () => {
    expect(alignPair(photo, photo, names).warnings).toEqual([
      "a.png and b.png are nearly identical (PSNR infinite), so there is hardly an edit to learn; check that AFTER is the edited photo.",
    ]);
  });
});
