import type { Config, Scale } from "vega";

/** The look of every chart: a white page of its own, so that it reads the same on a light and on a dark screen. */
export const ink = "#1b1f24";
export const softInk = "#57606a";
const paper = "#ffffff";
const line = "#d8dee4";

/** Okabe and Ito's colours, told apart by colour-blind readers too; the darker ones first, as white is behind them. */
export const palette = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#57606a"] as const;

const font = "system-ui, -apple-system, 'Segoe UI', sans-serif";

export const style: Config = {
  background: paper,
  // As a whole the picture has a title and a description (render-chart.ts); its parts need none.
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

/** One colour for each name, in the order in which they are given. */
export function colourScale(names: readonly string[]): Scale {
  return { name: "colour", type: "ordinal", domain: [...names], range: [...palette] };
}

/** Pixels of a letter of a label, on average and rather too many. */
const letter = 6.6;
/** Pixels around a name in a legend: its symbol, and the way to the next. */
const aroundName = 46;

/** Pixels that a label takes, about. */
export function labelWidth(text: string): number {
  return letter * text.length;
}

/** As many columns of these names, three at most, as a chart of that width has room for. */
export function legendColumns(names: readonly string[], width: number): number {
  const longest = Math.max(...names.map(labelWidth));
  return Math.min(3, Math.max(1, Math.floor(width / (longest + aroundName))));
}
