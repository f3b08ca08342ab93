import {
  alignedTable,
  type Cells,
  costCells,
  costTitles,
  markdownTable,
  showScore,
} from "../../engine/evaluation/format-table.ts";
import { type Metric, metricNames, metrics } from "../../engine/evaluation/metric.ts";
import type { Summary } from "../../engine/evaluation/summarize.ts";
import type { AblationReport, AblationRow, AblationTable } from "./ablation-report.ts";

/** Metrics in the tables. Image CLIP is highest for unedited photos and only in results.json. */
const shown: readonly Metric[] = metricNames.filter((metric) => metric !== "imageClip");

/**
 * The mean, then the difference to the baseline with its interval. The baseline's mean has an interval
 * instead.
 */
export function ablationCells({ rows }: AblationTable): Cells {
  const columns = shown.filter((metric) => rows.some((row) => row.metrics[metric]));
  return [
    [
      "",
      ...columns.map((metric) => `${metrics[metric].title} ${metrics[metric].unit}`.trim()),
      ...costTitles,
    ],
    ...rows.map((row) => [row.label, ...columns.map((metric) => cell(metric, row)), ...costCells(row.cost)]),
  ];
}

function cell(metric: Metric, { metrics: means, differences, cases }: AblationRow): string {
  const own = means[metric];
  if (!own) return "–";
  const difference = differences?.[metric];
  const fewer = own.cases < cases ? ` (${own.cases} cases)` : "";
  const value = showScore(metric, own.mean);
  if (!difference) return `${value}${interval(metric, own, false)}${fewer}`;
  return `${value}, ${showScore(metric, difference.mean, true)}${interval(metric, difference, true)}${fewer}`;
}

function interval(metric: Metric, { low, high }: Summary, signed: boolean): string {
  if (low === null || high === null) return "";
  return ` [${showScore(metric, low, signed)}, ${showScore(metric, high, signed)}]`;
}

export const cellMeaning =
  "The line without a difference is the baseline: mean [interval]. Other lines: mean, difference to the baseline [interval].";

/** Tables and notes as plain text, or as Markdown with links to the charts. */
export function ablationText(report: AblationReport, format: "plain" | "markdown"): string {
  const markdown = format === "markdown";
  const table = markdown ? markdownTable : alignedTable;
  return [
    ...report.ablations.map((one) =>
      [
        `${markdown ? "## " : ""}${one.title}${one.complete ? "" : " (incomplete)"}`,
        one.about,
        table(ablationCells(one)),
        ...(markdown && one.rows.some((row) => row.differences?.psnr)
          ? [`![${one.title}](${chartName(one.name, "psnr")})`]
          : []),
      ].join("\n\n"),
    ),
    [cellMeaning, ...report.notes].map((note) => `${markdown ? "- " : ""}${note}`).join("\n"),
  ].join("\n\n");
}

export function chartName(ablation: string, metric: Metric): string {
  return `${ablation}-${metric.toLowerCase()}.svg`;
}
