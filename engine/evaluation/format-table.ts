import type { Cost } from "./finished-work.ts";
import { type Metric, metricNames, metrics } from "./metric.ts";
import type { Summary, SummaryRow } from "./summarize.ts";

/** A table as text; the first row is the header. */
export type Cells = readonly (readonly string[])[];

/** Columns for the metrics that have values in any row, and for the cost. Differences are signed. */
export function tableCells(rows: readonly SummaryRow[], { signed = false } = {}): Cells {
  const shown = metricNames.filter((metric) => rows.some((row) => row.metrics[metric]));
  const costs = rows.some(({ cost }) => cost);
  return [
    [
      ...["method", "cases"],
      ...shown.map((metric) => `${metrics[metric].title} ${metrics[metric].unit}`.trim()),
      ...(costs ? costTitles : []),
    ],
    ...rows.map(({ method, cases, metrics: values, cost }) => [
      method,
      String(cases),
      ...shown.map((metric) => cell(metric, values[metric], cases, signed)),
      ...(costs ? costCells(cost) : []),
    ]),
  ];
}

/** Cost per case, then per photo. */
export const costTitles = ["UNet evaluations, once + per photo", "seconds, once + per photo"];

export function costCells(cost: Cost | null): string[] {
  if (!cost) return costTitles.map(() => "–");
  const { once, photo } = cost;
  const count = (value: number) => Number(value.toFixed(1)).toLocaleString("en");
  const seconds = (value: number) => (value < 10 ? value.toFixed(2) : value.toFixed(0));
  return [
    `${count(once.evaluations)} + ${count(photo.evaluations)}`,
    `${seconds(once.seconds)} + ${seconds(photo.seconds)}`,
  ];
}

function cell(metric: Metric, summary: Summary | null, cases: number, signed: boolean): string {
  if (!summary) return "–";
  const show = (value: number): string => showScore(metric, value, signed);
  const { mean, low, high } = summary;
  const interval = low === null || high === null ? "" : ` [${show(low)}, ${show(high)}]`;
  const fewer = summary.cases < cases ? ` (${summary.cases} cases)` : "";
  return `${show(mean)}${interval}${fewer}`;
}

/** Uses the minus sign U+2212 and never shows −0. */
export function showScore(metric: Metric, value: number, signed = false): string {
  const digits = Math.abs(value).toFixed(metrics[metric].digits);
  if (Number(digits) === 0) return digits;
  return value < 0 ? `−${digits}` : `${signed ? "+" : ""}${digits}`;
}

/** For a terminal: columns separated by two spaces, with a rule below the header. */
export function alignedTable(cells: Cells): string {
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return [lines[0]!, rule, ...lines.slice(1)].join("\n");
}

export function markdownTable(cells: Cells): string {
  const line = (row: readonly string[]): string =>
    `| ${row.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  const [heading, ...rows] = cells;
  return [line(heading!), `|${heading!.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}
