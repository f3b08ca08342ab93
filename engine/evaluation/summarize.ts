import { bootstrapMean, mean } from "./bootstrap.ts";
import type { Cost, Finished } from "./finished-work.ts";
import { type Metric, metricNames } from "./metric.ts";

/** A metric's mean over cases. */
export interface Summary {
  readonly mean: number;
  /** Bounds of the 95% interval; null for a single case. */
  readonly low: number | null;
  readonly high: number | null;
  /** Number of cases in the mean. */
  readonly cases: number;
}

export interface SummaryRow {
  readonly method: string;
  readonly cases: number;
  /** Mean cost of the work items; null in differences. */
  readonly cost: Cost | null;
  /** null if no case has a value. */
  readonly metrics: Readonly<Record<Metric, Summary | null>>;
}

/** A row for each method with results, in the order of `methods`. */
export function summarize(finished: readonly Finished[], methods: readonly string[]): SummaryRow[] {
  return methods.flatMap((method): SummaryRow[] => {
    const own = finished.filter((work) => work.method === method);
    const values = new CaseValues(own);
    if (!values.cases.length) return [];
    const row = rowOf(method, (metric) => [...values.of(metric).values()], values.cases.length);
    return [{ ...row, cost: meanCost(own) }];
  });
}

/**
 * Mean difference of each method to `baseline` over the same cases. Differences by case cancel how hard a
 * case is, so they can separate methods whose intervals overlap.
 */
export function compare(
  finished: readonly Finished[],
  methods: readonly string[],
  baseline: string,
): SummaryRow[] {
  const base = new CaseValues(finished.filter((work) => work.method === baseline));
  return methods.flatMap((method): SummaryRow[] => {
    const values = new CaseValues(finished.filter((work) => work.method === method));
    const shared = values.cases.filter((name) => base.cases.includes(name));
    if (method === baseline || !shared.length) return [];
    const differences = (metric: Metric): number[] => {
      const own = values.of(metric);
      return [...base.of(metric)].flatMap(([name, value]) => (own.has(name) ? [own.get(name)! - value] : []));
    };
    return [rowOf(method, differences, shared.length)];
  });
}

/** One method's values of a metric, by case. */
export function caseValues(
  finished: readonly Finished[],
  method: string,
  metric: Metric,
): ReadonlyMap<string, number> {
  return new CaseValues(finished.filter((work) => work.method === method)).of(metric);
}

function rowOf(method: string, valuesOf: (metric: Metric) => number[], cases: number): SummaryRow {
  const entries = metricNames.map((metric) => [metric, summaryOf(valuesOf(metric))] as const);
  return {
    method,
    cases,
    cost: null,
    metrics: Object.fromEntries(entries) as Record<Metric, Summary | null>,
  };
}

function meanCost(works: readonly Finished[]): Cost {
  const part = (name: keyof Cost) => ({
    evaluations: mean(works.map(({ cost }) => cost[name].evaluations)),
    seconds: mean(works.map(({ cost }) => cost[name].seconds)),
  });
  return { once: part("once"), photo: part("photo") };
}

function summaryOf(values: readonly number[]): Summary | null {
  if (values.length === 0) return null;
  if (values.length === 1) return { mean: values[0]!, low: null, high: null, cases: 1 };
  return { ...bootstrapMean(values), cases: values.length };
}

/** One method's value for each case: the mean over its photos and seeds that have one. */
class CaseValues {
  readonly cases: readonly string[];
  readonly #finished: readonly Finished[];

  constructor(finished: readonly Finished[]) {
    this.#finished = finished;
    this.cases = [...new Set(finished.map((work) => work.case))];
  }

  of(metric: Metric): Map<string, number> {
    return new Map(
      this.cases.flatMap((name) => {
        const scores = this.#finished
          .filter((work) => work.case === name)
          .flatMap(({ tests }) => tests.map(({ scores: { [metric]: score } }) => score))
          .filter((score) => score !== null);
        return scores.length ? [[name, mean(scores)] as const] : [];
      }),
    );
  }
}
