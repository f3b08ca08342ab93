import type { Cells } from "./format-table.ts";
import { showScore } from "./format-table.ts";
import type { Report } from "./report.ts";
import { summarize } from "./summarize.ts";

/** A row for each case, by group, with every method's PSNR and SSIM; undefined if no case has a true edit. */
export function caseCells({ finished, groups, table }: Report): Cells | undefined {
  const methods = table.filter(({ metrics }) => metrics.psnr).map(({ method }) => method);
  if (!methods.length) return undefined;
  const grouped = groups.flatMap(({ cases }) => cases);
  const names = new Set([...grouped, ...finished.map((work) => work.case)]);
  const rows = [...names].flatMap((name) => {
    const own = summarize(
      finished.filter((work) => work.case === name),
      methods,
    );
    if (!own.some(({ metrics }) => metrics.psnr)) return [];
    const cells = methods.map((method) => {
      const { psnr, ssim } = own.find((row) => row.method === method)?.metrics ?? {};
      return psnr && ssim ? `${showScore("psnr", psnr.mean)} / ${showScore("ssim", ssim.mean)}` : "–";
    });
    return [[name, ...cells]];
  });
  return [["case", ...methods], ...rows];
}
