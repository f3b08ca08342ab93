import { showScore } from "../../engine/evaluation/format-table.ts";
import { type Metric, metrics } from "../../engine/evaluation/metric.ts";
import { dotChart } from "../charts/dot-chart.ts";
import { lineChart } from "../charts/line-chart.ts";
import type { AblationRow, AblationTable } from "./ablation-report.ts";

/**
 * Draws each variant's difference to the baseline with its interval. The intervals of the means mostly show
 * the spread of the cases.
 *
 * @returns an SVG document; undefined if no variant has a difference
 */
export async function ablationChart(table: AblationTable, metric: Metric): Promise<string | undefined> {
  const { title, axis, rows, baseline } = table;
  if (!rows.some(({ differences }) => differences?.[metric])) return undefined;
  const drawn = rows.flatMap((row) => pointOf(row, metric, baseline));
  const { title: name, unit } = metrics[metric];
  const base = rows.find((row) => row.name === baseline);
  const label = `${name}${unit && `, ${unit}`}: difference to “${base?.label}”`;
  const description = `${label}. ${drawn.map(({ row, value }) => `${row.label}: ${showScore(metric, value, true)}`).join("; ")}.`;
  const series = { name, points: drawn };
  if (axis)
    return lineChart({
      title,
      description,
      x: { label: axis.label, log: axis.log, ticks: drawn.map(({ row }) => row.x!) },
      y: { label },
      series: [
        {
          ...series,
          points: drawn.map(({ row, value, interval }) => ({ x: row.x!, y: value, ...interval })),
        },
      ],
    });
  return dotChart({
    title,
    description,
    x: { label },
    categories: drawn.map(({ row }) => row.label),
    series: [
      {
        ...series,
        points: drawn.map(({ row, value, interval }) => ({ category: row.label, value, ...interval })),
      },
    ],
    reference: 0,
  });
}

interface DrawnRow {
  readonly row: AblationRow;
  readonly value: number;
  readonly interval?: { readonly low: number; readonly high: number };
}

function pointOf(row: AblationRow, metric: Metric, baseline: string): DrawnRow[] {
  if (row.name === baseline) return row.metrics[metric] ? [{ row, value: 0 }] : [];
  const difference = row.differences?.[metric];
  if (!difference) return [];
  const { mean, low, high } = difference;
  return [{ row, value: mean, ...(low === null || high === null ? {} : { interval: { low, high } }) }];
}
