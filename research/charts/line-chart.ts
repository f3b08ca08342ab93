import type { Mark, Spec } from "vega";
import { colorScale, legendColumns, style } from "./chart-style.ts";
import { intervalMarks } from "./interval-marks.ts";
import { renderChart } from "./render-chart.ts";

interface LinePoint {
  readonly x: number;
  readonly y: number;
  /** Bounds of an interval around y; both or neither. */
  readonly low?: number;
  readonly high?: number;
}

export interface LineChart {
  readonly title: string;
  /** Alternative text. */
  readonly description: string;
  /** `ticks` are the labeled values; round values when absent. */
  readonly x: { readonly label: string; readonly log?: boolean; readonly ticks?: readonly number[] };
  readonly y: { readonly label: string; readonly log?: boolean; readonly fromZero?: boolean };
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly LinePoint[];
    /** Points without a line, or a line that keeps its value until the next point. */
    readonly draw?: "line" | "steps" | "points";
    /** A dashed line, for a reference. */
    readonly dashed?: boolean;
  }[];
  /** In pixels; 640 × 380 when absent. */
  readonly width?: number;
  readonly height?: number;
}

/**
 * Lines over a shared x axis, with error bars for points with an interval. Values on a logarithmic axis must
 * be positive.
 *
 * @returns an SVG document
 */
export function lineChart(chart: LineChart): Promise<string> {
  const { title, x, y, series, width = 640, height = 380 } = chart;
  const names = series.map(({ name }) => name);
  const points = series.flatMap(({ name, points: own }) =>
    own.map((point) => ({ low: point.y, high: point.y, ...point, name })),
  );
  const ticks = x.ticks ?? (x.log ? logarithmicTicks(points.map((point) => point.x)) : undefined);
  const spec: Spec = {
    width,
    height,
    padding: 16,
    autosize: { type: "fit", contains: "padding" },
    config: style,
    // The y label is above the plot, where a long one fits.
    title: { text: title, subtitle: y.label },
    data: [
      { name: "points", values: points },
      {
        name: "intervals",
        source: "points",
        transform: [{ type: "filter", expr: "datum.high > datum.low" }],
      },
      ...names.map((name) => ({ name: lineOf(name), values: points.filter((point) => point.name === name) })),
    ],
    scales: [
      {
        name: "x",
        ...(x.log ? { type: "log" } : { type: "linear", zero: false }),
        range: "width",
        padding: 12,
        domain: { data: "points", field: "x" },
      },
      {
        name: "y",
        ...(y.log ? { type: "log" } : { type: "linear", zero: y.fromZero ?? false }),
        range: "height",
        nice: true,
        domain: { data: "points", fields: ["low", "high"] },
      },
      colorScale(names),
    ],
    axes: [
      {
        orient: "bottom",
        scale: "x",
        title: x.label,
        labelOverlap: "greedy",
        tickCount: 6,
        ...(ticks ? { values: [...ticks], format: ",~f" } : {}),
      },
      { orient: "left", scale: "y", grid: true, domain: false, ticks: false, tickCount: 6 },
    ],
    legends:
      names.length > 1
        ? [
            {
              stroke: "color",
              symbolType: "stroke",
              symbolStrokeWidth: 3,
              direction: "horizontal",
              columns: legendColumns(names, width),
            },
          ]
        : [],
    marks: [
      ...series.filter(({ draw }) => draw !== "points").map(seriesLine),
      ...intervalMarks("intervals", "y", { field: "x" }),
      {
        type: "symbol",
        from: { data: "points" },
        encode: {
          enter: {
            x: { scale: "x", field: "x" },
            y: { scale: "y", field: "y" },
            size: { value: points.length > 200 ? 8 : 36 },
            fill: { scale: "color", field: "name" },
          },
        },
      },
    ],
  };
  return renderChart(spec, chart);
}

function seriesLine({ name, draw, dashed }: LineChart["series"][number]): Mark {
  return {
    type: "line",
    from: { data: lineOf(name) },
    encode: {
      enter: {
        x: { scale: "x", field: "x" },
        y: { scale: "y", field: "y" },
        stroke: { scale: "color", field: "name" },
        strokeWidth: { value: 2 },
        interpolate: { value: draw === "steps" ? "step-after" : "linear" },
        ...(dashed ? { strokeDash: { value: [5, 4] } } : {}),
      },
    },
  };
}

const lineOf = (series: string): string => `line of ${series}`;

/** 1, 2 and 5 times the powers of ten between two positive values. */
function logarithmicTicks(values: readonly number[]): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const decades = Array.from(
    { length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 },
    (_, i) => 10 ** (Math.floor(Math.log10(low)) + i),
  );
  return decades
    .flatMap((decade) => [decade, 2 * decade, 5 * decade])
    .filter((tick) => tick >= low && tick <= high);
}
