import { join } from "node:path";
import type { Metric } from "../../engine/evaluation/metric.ts";
import { writeAtomically } from "../../engine/files/write-atomically.ts";
import { ablationChart } from "./ablation-chart.ts";
import { ablationHtml, type DrawnChart } from "./ablation-html.ts";
import type { AblationReport } from "./ablation-report.ts";
import { ablationText, chartName } from "./ablation-text.ts";

const plotted: readonly Metric[] = ["psnr", "visualClip"];

/**
 * Writes results.json, tables.md, index.html and a chart of every ablation. Returns the paths of the first
 * and the third.
 */
export async function writeAblationReport(
  out: string,
  report: AblationReport,
): Promise<{ readonly page: string; readonly results: string }> {
  const [page, results] = [join(out, "index.html"), join(out, "results.json")];
  // Write the results first, because they mark the folder as written by visii.
  await writeAtomically(results, `${JSON.stringify(report, null, 2)}\n`);
  const charts: DrawnChart[] = [];
  for (const table of report.ablations)
    for (const metric of plotted) {
      const svg = await ablationChart(table, metric);
      if (svg === undefined) continue;
      const file = chartName(table.name, metric);
      await writeAtomically(join(out, file), svg);
      charts.push({ ablation: table.name, metric, file });
    }
  await writeAtomically(join(out, "tables.md"), `${ablationText(report, "markdown")}\n`);
  await writeAtomically(page, ablationHtml(report, charts));
  return { page, results };
}
