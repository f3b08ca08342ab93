import { describe, expect, it } from "vitest";
import { legendColumns } from "../../../research/charts/chart-style.ts";
import { dotChart } from "../../../research/charts/dot-chart.ts";
import { lineChart } from "../../../research/charts/line-chart.ts";

const curve = {
  title: "Quality & <cost>",
  description: "Two curves that rise.",
  x: { label: "steps", log: true, ticks: [25, 100, 1000] },
  y: { label: "PSNR, dB" },
  series: [
    {
      name: "ours",
      points: [
        { x: 25, y: 20, low: 19, high: 21 },
        { x: 100, y: 25 },
        { x: 1000, y: 27, low: 26, high: 28 },
      ],
    },
    {
      name: "reference",
      points: [
        { x: 25, y: 18 },
        { x: 1000, y: 26 },
      ],
      dashed: true,
    },
  ],
} as const;

/** The text of every `<text>`, in the order of the document. */
const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
/** Number of lines from one point to another, which rule marks draw. */
const paths = (svg: string, kind: string) =>
  (svg.match(new RegExp(`<g class="mark-${kind} role-mark"[\\s\\S]*?</g>`, "g")) ?? []).join("");

describe("a line chart", () => {
  it("labels its axes, its curves and the requested ticks", async () => {
    expect(texts(await lineChart(curve))).toEqual(
      expect.arrayContaining([
        "25",
        "100",
        "1,000",
        "steps",
        "PSNR, dB",
        "ours",
        "reference",
        "Quality &amp; &lt;cost&gt;",
      ]),
    );
  });

  it("has an escaped text description", async () => {
    const svg = await lineChart(curve);
    expect(svg).toMatch(/^<svg role="img" /);
    expect(svg).toContain("<title>Quality &amp; &lt;cost&gt;</title><desc>Two curves that rise.</desc>");
  });

  it("draws a curve per series, a dot per point, and three strokes per interval", async () => {
    const svg = await lineChart(curve);
    expect(paths(svg, "line").match(/<path /g)).toHaveLength(2);
    expect(paths(svg, "symbol").match(/<path /g)).toHaveLength(5);
    expect(paths(svg, "rule").match(/<line /g)).toHaveLength(3 * 2);
  });

  it("labels round values on a logarithmic axis without given ticks", async () => {
    const { ticks: _, ...x } = curve.x;
    expect(texts(await lineChart({ ...curve, x })).slice(0, 5)).toEqual(["50", "100", "200", "500", "1,000"]);
  });

  it("uses fewer columns for long names, so that none is cut off", () => {
    const named = (length: number) => legendColumns(["a", "n".repeat(length)], 640);
    expect([5, 20, 31, 60, 200].map(named)).toEqual([3, 3, 2, 1, 1]);
  });

  it("is the same text in every run", async () => {
    expect(await lineChart(curve)).toBe(await lineChart(curve));
  });
});

describe("a dot chart", () => {
  const chart = {
    title: "Init",
    description: "Three inits.",
    x: { label: "PSNR, dB" },
    categories: ["caption", "truth", "generic"],
    series: [
      {
        name: "all",
        points: [
          { category: "caption", value: 30, low: 29, high: 31 },
          { category: "truth", value: 31 },
        ],
      },
    ],
  } as const;

  it("has a row for every category in the given order, also without a value", async () => {
    const named = texts(await dotChart(chart)).filter((text) =>
      ["caption", "truth", "generic"].includes(text!),
    );
    expect(named).toEqual(["caption", "truth", "generic"]);
  });

  it("draws larger values further right, and the reference line between", async () => {
    const svg = await dotChart({ ...chart, reference: 30.5 });
    const places = [...paths(svg, "symbol").matchAll(/translate\(([\d.]+),/g)].map(([, x]) => Number(x));
    expect(places).toHaveLength(2);
    const reference = Number(/translate\(([\d.]+),0\)" x2="0"/.exec(paths(svg, "rule"))?.[1]);
    expect(reference).toBeGreaterThan(places[0]!);
    expect(reference).toBeLessThan(places[1]!);
  });
});
