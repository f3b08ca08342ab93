import type { Spec } from "vega";
import { colorScale, labelWidth, legendColumns, softInk, style } from "./chart-style.ts";
import { intervalMarks } from "./interval-marks.ts";
import { renderChart } from "./render-chart.ts";

interface DotChart {
  readonly title: string;
  /** Alternative text. */
  readonly description: string;
  readonly x: { readonly label: string; readonly fromZero?: boolean };
  /** One row each, from the top. */
  readonly categories: readonly string[];
  /** One color each; a category may have a dot of every series. */
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly {
      readonly category: string;
      readonly value: number;
      /** Bounds of an interval around the value; both or neither. */
      readonly low?: number;
      readonly high?: number;
    }[];
  }[];
  /** A value to compare with, drawn as a vertical line. */
  readonly reference?: number;
  /** In pixels; 640 when absent. The height depends on the categories. */
  readonly width?: number;
}

/** Pixels between two dots of one category, and padding of the chart. */
const [dodge, padding] = [13, 16];

/**
 * Categories from top to bottom, each with a value and an optional interval for every series.
 *
 * @returns an SVG document
 */
export function dotChart(chart: DotChart): Promise<string> {
  const { title, x, categories, series, reference, width = 640 } = chart;
  const names = series.map(({ name }) => name);
  const points = series.flatMap(({ name, points: own }, index) =>
    own.map((point) => ({
      low: point.value,
      high: point.value,
      ...point,
      name,
      shift: (index - (names.length - 1) / 2) * dodge,
    })),
  );
  const references = reference === undefined ? [] : [{ low: reference, high: reference }];
  // Next to the category names. A longer x label extends to the left below them and stays inside the chart.
  const plot = width - 2 * padding - Math.max(...categories.map(labelWidth));
  const row = Math.max(30, (names.length + 1) * dodge);
  const spec: Spec = {
    width,
    height: 110 + (names.length > 1 ? 30 : 0) + categories.length * row,
    padding,
    autosize: { type: "fit", contains: "padding" },
    config: style,
    title: { text: title },
    data: [
      { name: "points", values: points },
      {
        name: "intervals",
        source: "points",
        transform: [{ type: "filter", expr: "datum.high > datum.low" }],
      },
      { name: "references", values: references },
      { name: "extent", values: [...points, ...references] },
    ],
    scales: [
      {
        name: "x",
        type: "linear",
        range: "width",
        zero: x.fromZero ?? false,
        padding: 12,
        domain: { data: "extent", fields: ["low", "high"] },
      },
      { name: "y", type: "point", range: "height", padding: 0.6, domain: [...categories] },
      colorScale(names),
    ],
    axes: [
      {
        orient: "bottom",
        scale: "x",
        grid: true,
        tickCount: 6,
        labelOverlap: "greedy",
        title: x.label,
        titleAnchor: labelWidth(x.label) > plot ? "end" : "middle",
      },
      { orient: "left", scale: "y", domain: false, ticks: false, labelPadding: 8 },
    ],
    legends:
      names.length > 1
        ? [
            {
              fill: "color",
              symbolType: "circle",
              direction: "horizontal",
              columns: legendColumns(names, width),
            },
          ]
        : [],
    marks: [
      {
        type: "rule",
        from: { data: "references" },
        encode: {
          enter: {
            x: { scale: "x", field: "low" },
            y: { value: 0 },
            y2: { signal: "height" },
            stroke: { value: softInk },
            strokeDash: { value: [4, 3] },
          },
        },
      },
      ...intervalMarks("intervals", "x", { field: "category", offset: "datum.shift" }),
      {
        type: "symbol",
        from: { data: "points" },
        encode: {
          enter: {
            x: { scale: "x", field: "value" },
            y: { scale: "y", field: "category", offset: { field: "shift" } },
            size: { value: 60 },
            fill: { scale: "color", field: "name" },
          },
        },
      },
    ],
  };
  return renderChart(spec, chart);
}
