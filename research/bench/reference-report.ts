import { bootstrapMean, type Interval, mean } from "../../engine/evaluation/bootstrap.ts";
import { lineChart } from "../charts/line-chart.ts";
import { lastTokens, ours, type QualityPoint } from "./against-the-reference.ts";

/** A learner with one budget. */
interface QualityRow {
  readonly learner: string;
  /** UNet evaluations. */
  readonly evaluations: number;
  readonly cases: number;
  readonly psnr: Interval;
}

/** Means over seeds within a case, then over cases, so that each case has the same weight. */
function summarize(points: readonly QualityPoint[]): QualityRow[] {
  return group(points, ({ learner, evaluations }) => `${learner} ${evaluations}`).map((own) => ({
    learner: own[0]!.learner,
    evaluations: own[0]!.evaluations,
    cases: caseMeans(own).length,
    psnr: bootstrapMean(caseMeans(own).map(([, psnr]) => psnr)),
  }));
}

/**
 * The largest run of this project's loop that costs at most an eighth of `paper`, minus every other learner
 * at `paper`, by case, in dB.
 */
function differences(
  points: readonly QualityPoint[],
  paper: number,
): (Pick<QualityRow, "learner" | "evaluations" | "cases"> & { readonly difference: Interval })[] {
  const own = points.filter(({ learner, evaluations }) => learner === ours && evaluations <= paper / 8);
  const evaluations = Math.max(...own.map((point) => point.evaluations));
  const ourCases = new Map(caseMeans(own.filter((point) => point.evaluations === evaluations)));
  const theirs = points.filter((point) => point.learner !== ours && point.evaluations === paper);
  return group(theirs, ({ learner }) => learner).flatMap((learned) => {
    const nearer = caseMeans(learned).flatMap(([name, psnr]) => {
      const known = ourCases.get(name);
      return known === undefined ? [] : [known - psnr];
    });
    if (!nearer.length) return [];
    const { learner } = learned[0]!;
    return [{ learner, evaluations, cases: nearer.length, difference: bootstrapMean(nearer) }];
  });
}

/**
 * Results of each learner with the tokens that it keeps, and differences at the end of the paper's loop, as
 * Markdown.
 */
export function referenceMarkdown(points: readonly QualityPoint[], paper: number): string {
  const cell = ({ learner, evaluations, cases, psnr }: QualityRow) =>
    `| ${learner} | ${evaluations} | ${cases} | ${showInterval(psnr)} |`;
  const against = differences(points, paper).map(
    ({ learner, evaluations, cases, difference }) =>
      `| ${learner}, ${paper} | ${evaluations} | ${cases} | ${showInterval(difference)} |`,
  );
  return [
    "| learner | UNet evaluations | cases | PSNR to the truth, dB |",
    "|---|---|---|---|",
    ...summarize(ofSharedCases(keptTokens(points))).map(cell),
    "",
    "Ours minus the paper's loop at its end, case by case:",
    "",
    "| against, and its evaluations | ours | cases | difference, dB |",
    "|---|---|---|---|",
    ...against,
  ].join("\n");
}

export function showInterval({ mean: value, low, high }: Interval): string {
  return `${value.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
}

/** Quality by learning cost for the tokens that each learner keeps, on the cases that all learners have. */
export function qualityChart(points: readonly QualityPoint[]): Promise<string> {
  const kept = ofSharedCases(keptTokens(points));
  const learners = [...new Set(kept.map(({ learner }) => learner))];
  const rows = summarize(kept);
  return lineChart({
    title: `Closeness to the truth against what learning cost (${rows[0]?.cases ?? 0} cases)`,
    description:
      "PSNR to the true edit of unseen photos, mean over cases with 95 % intervals, against UNet evaluations of learning, for our loop and the paper's.",
    x: { label: "UNet evaluations, forward and backward", log: true },
    y: { label: "PSNR to the true edit, dB" },
    series: learners.map((name) => ({
      name,
      points: rows
        .filter(({ learner }) => learner === name)
        .map(({ evaluations, psnr }) => ({ x: evaluations, y: psnr.mean, low: psnr.low, high: psnr.high })),
    })),
  });
}

const keptTokens = (points: readonly QualityPoint[]) =>
  points.filter(({ learner }) => !learner.endsWith(lastTokens));

/** Points of the cases that every learner has, so that means are over the same cases. */
function ofSharedCases(points: readonly QualityPoint[]): QualityPoint[] {
  const learners = [...new Set(points.map(({ learner }) => learner))];
  return points.filter((point) =>
    learners.every((learner) =>
      points.some((other) => other.learner === learner && other.case === point.case),
    ),
  );
}

function caseMeans(points: readonly QualityPoint[]): [string, number][] {
  return group(points, (point) => point.case).map((own) => [own[0]!.case, mean(own.map(({ psnr }) => psnr))]);
}

function group<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[][] {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return [...groups.values()];
}
