import { caseCells } from "./case-table.ts";
import { alignedTable, markdownTable, tableCells } from "./format-table.ts";
import type { Report } from "./report.ts";

type Tables = Pick<Report, "finding" | "table" | "differences">;

/** The report's tables and notes as plain text or Markdown. */
export function reportText(report: Report, format: "plain" | "markdown"): string {
  const table = format === "plain" ? alignedTable : markdownTable;
  const bullet = format === "plain" ? "" : "- ";
  const tables = ({ finding, table: rows, differences }: Tables): string[] => [
    ...(finding === null ? [] : [finding]),
    rows.length ? table(tableCells(rows)) : "Nothing is finished yet.",
    ...(differences
      ? [
          `Difference to ${differences.baseline}, case by case:`,
          table(tableCells(differences.rows, { signed: true })),
        ]
      : []),
  ];
  const cases = caseCells(report);
  return [
    ...tables(report),
    ...report.groups.flatMap((group) => [
      `Only the group “${group.name}” (${group.cases.length}):`,
      ...tables(group),
    ]),
    ...(cases ? ["Every case, PSNR in dB / SSIM:", table(cases)] : []),
    report.notes.map((note) => `${bullet}${note}`).join("\n"),
  ].join("\n\n");
}
