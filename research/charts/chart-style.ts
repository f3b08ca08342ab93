import type { Config, Scale } from "vega";

/** Style of every chart: a white background, readable on light and dark pages. */
const ink = "#1b1f24";
export const softInk = "#57606a";
const paper = "#ffffff";
const line = "#d8dee4";

/**
 * Okabe and Ito's palette, which is safe for color-blind readers; darker colors first, because the background
 * is white.
 */
const palette = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#57606a"] as const;

const font = "system-ui, -apple-system, 'Segoe UI', sans-serif";

export const style: Config = {
  background: paper,
  // The chart as a whole has a title and a description (render-chart.ts), so its parts need none.
  title: {
    aria: false,
    anchor: "start",
    font,
    fontSize: 15,
    fontWeight: 600,
    color: ink,
    offset: 16,
    subtitleFont: font,
    subtitleFontSize: 12,
    subtitleColor: softInk,
    subtitlePadding: 6,
  },
  axis: {
    aria: false,
    labelFont: font,
    labelFontSize: 12,
    labelColor: ink,
    labelLimit: 0,
    titleFont: font,
    titleFontSize: 12,
    titleFontWeight: 400,
    titleColor: softInk,
    titlePadding: 8,
    domainColor: line,
    tickColor: line,
    gridColor: line,
    gridOpacity: 0.7,
  },
  legend: {
    aria: false,
    orient: "bottom",
    labelFont: font,
    labelFontSize: 12,
    labelColor: ink,
    labelLimit: 0,
    offset: 12,
    columnPadding: 18,
  },
};

/** One color for each name, in the given order. */
export function colorScale(names: readonly string[]): Scale {
  return { name: "color", type: "ordinal", domain: [...names], range: [...palette] };
}

/** Average width of a character of a label in pixels, rounded up. */
const letter = 6.6;
/** Pixels around a name in a legend: its symbol and the gap. */
const aroundName = 46;

/** Approximate width of a label in pixels. */
export function labelWidth(text: string): number {
  return letter * text.length;
}

/** Number of legend columns, at most three, that fit into the chart's width. */
export function legendColumns(names: readonly string[], width: number): number {
  const longest = Math.max(...names.map(labelWidth));
  return Math.min(3, Math.max(1, Math.floor(width / (longest + aroundName))));
}
