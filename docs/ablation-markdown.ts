import { markdownTable } from "../engine/evaluation/format-table.ts";
import type { AblationTable } from "../research/ablation/ablation-report.ts";
import { ablationCells, chartName } from "../research/ablation/ablation-text.ts";

/** An ablation's table and its plot in docs/images. */
export function ablationMarkdown(table: AblationTable): string {
  const plot = hasPlot(table)
    ? `![${table.title}: difference in PSNR](images/ablation-${chartName(table.name, "psnr")})`
    : "";
  return [table.about, markdownTable(ablationCells(table)), plot].filter(Boolean).join("\n\n");
}

export function hasPlot({ rows }: AblationTable): boolean {
  return rows.some((row) => row.differences?.psnr);
}
