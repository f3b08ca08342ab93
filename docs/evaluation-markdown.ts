import { caseCells } from "../engine/evaluation/case-table.ts";
import { markdownTable, showScore } from "../engine/evaluation/format-table.ts";
import type { Report } from "../engine/evaluation/report.ts";
import type { Summary, SummaryRow } from "../engine/evaluation/summarise.ts";

/** The model card's tables: means by group with intervals, gains over text, and every case. */
export function evaluationMarkdown(report: Report): string {
  const methods = report.table.map(({ method }) => method);
  const groups = [
    ...report.groups,
    { ...report, name: "all", cases: report.groups.flatMap(({ cases }) => cases) },
  ];
  const row = ({ name, cases, table }: (typeof groups)[number]): string[] => [
    `${name} (${cases.length})`,
    ...methods.map((method) => meanCell(table.find((one) => one.method === method))),
  ];
  const gains = groups.flatMap(({ name, differences }) =>
    (differences?.rows ?? []).flatMap(({ method, metrics: { psnr } }) =>
      method === "unedited" || !psnr ? [] : [[name, method, decibels(psnr, true)]],
    ),
  );
  return [
    "Means over cases [95 % interval over cases], PSNR in dB / SSIM:",
    markdownTable([["", ...methods], ...groups.map(row)]),
    "Gain over `text` in dB, case by case:",
    markdownTable([["", "method", "PSNR"], ...gains]),
    "Every case, PSNR in dB / SSIM:",
    markdownTable(caseCells(report)!),
  ].join("\n\n");
}

function meanCell(row: SummaryRow | undefined): string {
  const { psnr, ssim } = row?.metrics ?? {};
  return psnr && ssim ? `${decibels(psnr, false)} / ${showScore("ssim", ssim.mean)}` : "–";
}

function decibels({ mean, low, high }: Summary, signed: boolean): string {
  const show = (value: number): string => showScore("psnr", value, signed);
  return `${show(mean)}${low === null || high === null ? "" : ` [${show(low)}, ${show(high)}]`}`;
}
