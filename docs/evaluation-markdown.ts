import { caseCells } from "../engine/evaluation/case-table.ts";
import { costCells, costTitles, markdownTable, showScore } from "../engine/evaluation/format-table.ts";
import type { Report } from "../engine/evaluation/report.ts";
import type { Summary, SummaryRow } from "../engine/evaluation/summarize.ts";

/**
 * The model card's tables: the comparison with a fit, means by group with intervals, costs, gains over text,
 * and every case.
 */
export function evaluationMarkdown(report: Report): string {
  const methods = report.table.map(({ method }) => method);
  const groups = [
    ...report.groups,
    { ...report, name: "all", cases: report.groups.flatMap(({ cases }) => cases) },
  ];
  const rows = (cell: (row: SummaryRow | undefined) => string): string[][] =>
    groups.map(({ name, cases, table }) => [
      `${name} (${cases.length})`,
      ...methods.map((method) => cell(table.find((one) => one.method === method))),
    ]);
  const findings = groups.flatMap(({ name, finding }) => (finding === null ? [] : [`- ${name}: ${finding}`]));
  const gains = groups.flatMap(({ name, differences }) =>
    (differences?.rows ?? []).flatMap(({ method, metrics: { psnr } }) =>
      method === "unedited" || !psnr ? [] : [[name, method, decibels(psnr, true)]],
    ),
  );
  return [
    ...(findings.length ? [findings.join("\n")] : []),
    "Means over cases [95 % interval over cases], PSNR in dB / SSIM:",
    markdownTable([["", ...methods], ...rows(meanCell)]),
    "Means over cases, style distance (0 is the true edit's texture) / sharpness (1 is right):",
    markdownTable([["", ...methods], ...rows(textureCell)]),
    "What it costs, once for a case + for each photo:",
    markdownTable([
      ["", ...costTitles],
      ...report.table.map(({ method, cost }) => [method, ...costCells(cost)]),
    ]),
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

function textureCell(row: SummaryRow | undefined): string {
  const { style, sharpness } = row?.metrics ?? {};
  return style && sharpness
    ? `${showScore("style", style.mean)} / ${showScore("sharpness", sharpness.mean)}`
    : "–";
}

function decibels({ mean, low, high }: Summary, signed: boolean): string {
  const show = (value: number): string => showScore("psnr", value, signed);
  return `${show(mean)}${low === null || high === null ? "" : ` [${show(low)}, ${show(high)}]`}`;
}
