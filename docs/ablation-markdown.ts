import { markdownTable } from "../engine/evaluation/format-table.ts";
import type { AblationTable } from "../research/ablation/ablation-report.ts";
import { ablationCells, chartName } from "../research/ablation/ablation-text.ts";

/**
 * An ablation's table and its plot in docs/images. The last column, seconds, is omitted, because it depends
 * on the machine. The UNet evaluations beside it do not.
 */
export function ablationMarkdown(table: AblationTable): string {
  const plot = hasPlot(table)
    ? `![${table.title}: difference in PSNR](images/ablation-${chartName(table.name, "psnr")})`
    : "";
  const cells = ablationCells(table).map((row) => row.slice(0, -1));
  return [table.about, markdownTable(cells), plot].filter(Boolean).join("\n\n");
}

export function hasPlot({ rows }: AblationTable): boolean {
  return rows.some((row) => row.differences?.psnr);
}
