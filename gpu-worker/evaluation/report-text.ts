import { alignedTable, markdownTable, tableCells } from "./format-table.ts";
import type { Report } from "./report.ts";

/** The report's tables and notes for a terminal, or in Markdown. */
export function reportText(report: Report, format: "plain" | "markdown"): string {
  const table = format === "plain" ? alignedTable : markdownTable;
  const bullet = format === "plain" ? "" : "- ";
  const { differences } = report;
  return [
    report.table.length ? table(tableCells(report.table)) : "Nothing is finished yet.",
    ...(differences
      ? [
          `Difference to ${differences.baseline}, case by case:`,
          table(tableCells(differences.rows, { signed: true })),
        ]
      : []),
    report.notes.map((note) => `${bullet}${note}`).join("\n"),
  ].join("\n\n");
}
