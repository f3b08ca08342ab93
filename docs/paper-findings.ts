import { markdownTable, showScore } from "../engine/evaluation/format-table.ts";
import { type Metric, metrics } from "../engine/evaluation/metric.ts";
import { compare, type Summary } from "../engine/evaluation/summarize.ts";
import type { AblationReport } from "../research/ablation/ablation-report.ts";

/**
 * A finding of the paper or of a later one, as a difference between two variants that should be above 0.
 */
interface Finding {
  readonly says: string;
  readonly ablation: string;
  readonly better: string;
  readonly worse: string;
  readonly metric: Metric;
}

const findings: readonly Finding[] = [
  finding("L_clip on top of L_mse helps the direction of the edit", "clip", "with", "without", "visualClip"),
  finding("L_clip on top of L_mse helps, by closeness to the truth", "clip", "with", "without", "psnr"),
  finding(
    "a caption of the after image is a better init than the true words",
    "init",
    "caption",
    "truth",
    "psnr",
  ),
  finding(
    "fixed noise is more balanced than fresh, at the model's own sampler",
    "noise",
    "fixed",
    "fresh",
    "psnr",
  ),
  finding("the same at four ancestral steps", "noise", "fixed-4", "fresh-4", "psnr"),
  finding("guidance inside the loss helps (2 against 1)", "guidance", "2", "1", "psnr"),
  finding("more pairs help modestly (2 against 1)", "pairs", "2", "1", "psnr"),
  finding("InstructBrush: keys and values learn more than the text embedding", "space", "kv", "text", "psnr"),
];

function finding(says: string, ablation: string, better: string, worse: string, metric: Metric): Finding {
  return { says, ablation, better, worse, metric };
}

/**
 * Compares the results with the paper's findings. A finding is reproduced if the interval of the difference
 * excludes 0.
 *
 * @param before table of an earlier report, whose lines are kept for ablations that this report does not have
 */
export function findingsMarkdown(report: AblationReport, before: string): string {
  const rows = findings.map(({ says, ablation, better, worse, metric }) => {
    const complete = report.ablations.some((table) => table.name === ablation && table.complete);
    const works = report.finished
      .filter((cell) => cell.ablation === ablation)
      .map(({ variant, work }) => ({ ...work, method: variant }));
    const difference = complete && compare(works, [better], worse)[0]?.metrics[metric];
    if (!difference) return lineOf(before, says) ?? [says, "–", "not run"];
    return [says, `${metrics[metric].title} ${show(metric, difference)}`, verdict(difference)];
  });
  return markdownTable([["the paper's direction", "difference here", ""], ...rows]);
}

/** Finds the cells of a table's line by the first cell. */
function lineOf(table: string, first: string): string[] | undefined {
  const lines = table.split("\n").map((line) => line.split("|").slice(1, -1));
  return lines.map((cells) => cells.map((cell) => cell.trim())).find(([cell]) => cell === first);
}

function show(metric: Metric, { mean, low, high }: Summary): string {
  const signed = (value: number): string => showScore(metric, value, true);
  return `${signed(mean)}${low === null || high === null ? "" : ` [${signed(low)}, ${signed(high)}]`} ${metrics[metric].unit}`.trim();
}

function verdict({ low, high }: Summary): string {
  if (low !== null && low > 0) return "reproduced";
  if (high !== null && high < 0) return "the contrary";
  return "not shown";
}
