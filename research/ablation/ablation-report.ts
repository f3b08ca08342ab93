import type { Cost, Finished } from "../../engine/evaluation/finished-work.ts";
import type { Metric } from "../../engine/evaluation/metric.ts";
import { compare, type Summary, summarize } from "../../engine/evaluation/summarize.ts";
import type { ClipName } from "../../engine/pipeline/clip-space.ts";
import { defined } from "../../shared/defined.ts";
import type { Ablation, Variant } from "./ablation.ts";
import type { AblationOutcome, FinishedCell } from "./run-ablations.ts";

/** A variant's row in an ablation's table. */
export interface AblationRow extends Pick<Variant, "name" | "label" | "x"> {
  /** Number of cases in the means. */
  readonly cases: number;
  /** Means over cases. */
  readonly metrics: Readonly<Record<Metric, Summary | null>>;
  /** Mean differences to the baseline by case; null for the baseline. */
  readonly differences: Readonly<Record<Metric, Summary | null>> | null;
  /** Mean cost of the work items. */
  readonly cost: Cost;
}

export interface AblationTable extends Pick<Ablation, "name" | "title" | "about" | "axis" | "baseline"> {
  /** True if every variant has results for every case and seed. */
  readonly complete: boolean;
  readonly rows: readonly AblationRow[];
}

/** The outcome of ablations, as stored in `results.json`. */
export interface AblationReport {
  readonly formatVersion: 1;
  readonly set: string;
  readonly model: { readonly id: string; readonly weightHash: string };
  /** The CLIP model of the CLIP scores; null if the model folder has none. */
  readonly clip: ClipName | null;
  /** Longest side of the images in pixels if they were scaled down, else null. */
  readonly side: number | null;
  readonly cases: readonly string[];
  readonly seeds: readonly number[];
  readonly complete: boolean;
  readonly ablations: readonly AblationTable[];
  /** Notes on the tables. */
  readonly notes: readonly string[];
  readonly finished: readonly FinishedCell[];
}

interface AblationSubject
  extends Pick<AblationReport, "set" | "model" | "clip" | "side" | "cases" | "seeds"> {
  readonly ablations: readonly Ablation[];
}

/** With fewer cases the bootstrap's intervals are too narrow. */
const fewCases = 8;

export function makeAblationReport(
  { ablations, ...subject }: AblationSubject,
  { finished, complete }: Pick<AblationOutcome, "finished" | "complete">,
): AblationReport {
  const cells = subject.cases.length * subject.seeds.length;
  return {
    formatVersion: 1,
    ...subject,
    complete,
    ablations: ablations.flatMap((ablation) => {
      const own = finished.filter((cell) => cell.ablation === ablation.name);
      return own.length ? [tableOf(ablation, own, cells)] : [];
    }),
    notes: [
      ...(complete ? [] : ["Incomplete: the run was stopped. To continue, run the same command again."]),
      `Mean over ${subject.cases.length} cases [95 % interval]; a case counts once, as the mean of its photos and of ${subject.seeds.length} seeds.`,
      "Differences to the baseline are taken case by case. A difference whose interval includes 0 is not significant.",
      ...(subject.cases.length < fewCases
        ? [`With only ${subject.cases.length} cases the intervals are too narrow.`]
        : []),
      subject.clip
        ? `CLIP scores use ${subject.clip.name}; scores of another CLIP are not comparable.`
        : "The model folder has no clip/, so there are no CLIP scores.",
    ],
    finished,
  };
}

function tableOf(ablation: Ablation, cells: readonly FinishedCell[], cellsOfVariant: number): AblationTable {
  const { name, title, about, axis, baseline, variants } = ablation;
  const names = variants.map((variant) => variant.name);
  const works = cells.map(({ variant, work }): Finished => ({ ...work, method: variant }));
  const summaries = new Map(summarize(works, names).map((row) => [row.method, row]));
  const differences = new Map(compare(works, names, baseline).map((row) => [row.method, row.metrics]));
  return {
    name,
    title,
    about,
    baseline,
    ...(axis ? { axis } : {}),
    complete: cells.length === cellsOfVariant * variants.length,
    rows: variants.flatMap((variant): AblationRow[] => {
      const summary = summaries.get(variant.name);
      if (!summary) return [];
      const { cases, metrics, cost } = summary;
      if (!cost) return [];
      const { x, label } = variant;
      return [
        {
          name: variant.name,
          label,
          cases,
          metrics,
          ...defined({ x }),
          differences: differences.get(variant.name) ?? null,
          cost,
        },
      ];
    }),
  };
}
