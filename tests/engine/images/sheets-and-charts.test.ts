import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { axisRange, movingAverage, niceTicks } from "../../../engine/images/chart-scale.ts";
import { contactSheet } from "../../../engine/images/contact-sheet.ts";
import { decodeImage } from "../../../engine/images/decode-image.ts";
import { lossCurvePng, lossCurveSvg } from "../../../engine/images/loss-curve.ts";
import { textWidth, wrapText } from "../../../engine/images/text-outlines.ts";
import { createPlainImage } from "./drawn-images.ts";
import { pixelOf } from "./stand-ins.ts";

const red = createPlainImage(128, 128, [1, -1, -1]);

describe("contactSheet", () => {
  it("enlarges small images to 256 pixels and puts them side by side under their titles", async () => {
    const png = await contactSheet({
      title: "A title",
      sections: [
        { columns: ["before", "after"], rows: [[{ image: red }, { image: red, caption: "20 dB" }]] },
      ],
    });
    const { image } = await decodeImage(png);
    expect(image.width).toBe(64 + 256 + 20 + 256 + 64);
    const isRed = (x: number, y: number) => pixelOf(image, x, y).join() === "255,0,0";
    const middle = Array.from({ length: image.height }, (_, y) => y).filter((y) => isRed(64 + 128, y));
    expect(middle.length).toBeGreaterThanOrEqual(254);
    expect(isRed(64 + 256 + 20 + 128, middle[100]!)).toBe(true);
    expect(isRed(64 + 256 + 10, middle[100]!)).toBe(false);
  });

  it("draws characters missing from the font, and escapes XML", async () => {
    const title = 'Tag & <ins> "quoted" 猫';
    await expect(contactSheet({ title, sections: [] })).resolves.toBeInstanceOf(Buffer);
  });
});

describe("text", () => {
  it("is as wide as its letters", () => {
    expect(textWidth("", 20)).toBe(0);
    expect(textWidth("WWWW", 20)).toBeCloseTo(4 * textWidth("W", 20));
    expect(textWidth("il", 20)).toBeLessThan(textWidth("WM", 20));
  });

  it("breaks lines between words, and truncates what does not fit", () => {
    expect(wrapText("one two three four", textWidth("one two", 10), 2, 10)).toEqual(["one two", "three…"]);
    expect(wrapText("unbreakable", textWidth("unbre", 10), 1, 10)[0]).toMatch(/^unb.*…$/);
    expect(wrapText("  ", 100, 2, 10)).toEqual([]);
  });
});

describe("the loss curve", () => {
  const points = Array.from({ length: 50 }, (_, index) => ({
    step: index + 1,
    loss: 1 / (index + 1),
    ...(index % 10 === 9 ? { validation: 0.5 / (index + 1) } : {}),
  }));

  it("draws a dot for each step and each validation", () => {
    const svg = lossCurveSvg(points);
    expect(svg.match(/r="2\.2"/g)).toHaveLength(50);
    expect(svg.match(/r="5"\/>/g)).toHaveLength(5);
    expect(svg).not.toContain("NaN");
  });

  it("draws the same image as PNG", async () => {
    const { width, height, format } = await sharp(
      await lossCurvePng(points, { width: 600, height: 300 }),
    ).metadata();
    expect({ width, height, format }).toEqual({ width: 600, height: 300, format: "png" });
  });

  it.each([
    ["no points", []],
    ["one point", [{ step: 1, loss: 0.3 }]],
    [
      "a flat line",
      [
        { step: 1, loss: 0 },
        { step: 2, loss: 0 },
      ],
    ],
    [
      "losses that are not numbers",
      [
        { step: 1, loss: Number.NaN },
        { step: 2, loss: Infinity },
      ],
    ],
    [
      "negative losses",
      [
        { step: 1, loss: -0.01 },
        { step: 2, loss: -0.04, validation: 0.2 },
      ],
    ],
  ])("draws %s", (_, few) => {
    expect(lossCurveSvg(few)).not.toMatch(/NaN|Infinity/);
  });

  it("has round ticks inside the range, a trailing average, and a range that includes given values", () => {
    expect(niceTicks([0, 1], 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(niceTicks([-0.03, 0.04], 3)).toEqual([0]);
    expect(niceTicks([0, 150], 8)).toEqual([0, 20, 40, 60, 80, 100, 120, 140]);
    expect(movingAverage([1, 3, 5], 2)).toEqual([1, 2, 4]);
    const [low, high] = axisRange([1, 2, 3], [9]);
    expect(low).toBe(0);
    expect(high).toBeGreaterThan(9);
  });
});
