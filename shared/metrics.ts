import type { LogFacts } from "./ports/log.ts";

type Unit = "Seconds" | "Count" | "Count/Second";

/** Every series there is, with its unit; dashboard and alarms name no other. */
export const metricUnits = {
  /** Of one attempt at a job, from its claim to its end: what a device was held for. */
  JobSeconds: "Seconds",
  /** From a job's creation to that claim. */
  WaitSeconds: "Seconds",
  Jobs: "Count",
  /** Of a learning. */
  StepsPerSecond: "Count/Second",
  /** Messages that no worker could deal with. */
  DeadLetters: "Count",
  /** Of a pool: asked for, and at work. */
  WorkersWanted: "Count",
  WorkersRunning: "Count",
  /** 1 for a job that failed, 0 for one that went well: their mean is a share, their number the jobs. */
  JobFailed: "Count",
  /** Due rows that the sweeper could not handle many times in a row. */
  QuarantinedRows: "Count",
} as const satisfies Record<string, Unit>;
export type MetricName = keyof typeof metricUnits;
export const metricNamespace = "visii";

/** Two deployments of one account are told apart by it. Its value stands on every line that `createJsonLog` writes. */
const stageDimension = "Stage";

/** What distinguishes the series of jobs, those of dead letters and rows, and those of pools. */
export const jobDimensions = [stageDimension, "Kind", "Status", "Failure"] as const;
export const kindDimensions = [stageDimension, "Kind"] as const;
export const poolDimensions = [stageDimension, "Pool"] as const;
export const stageDimensions = [stageDimension] as const;

type Values = {
  readonly [Name in MetricName]?: readonly [value: number, unit: (typeof metricUnits)[Name]];
};

/**
 * Facts for a log line that CloudWatch also takes as metrics (its embedded metric format): one series for each combination of
 * the dimensions' values, the stage of the log among them.
 *
 * @param now milliseconds since 1970
 * @param ofStage values that have the stage as their only dimension
 */
export function metrics(
  values: Values,
  dimensions: Readonly<Record<string, string>>,
  now: number,
  ofStage: Values = {},
): LogFacts {
  const series = (names: readonly string[], of: Values) => ({
    ...{ Namespace: metricNamespace, Dimensions: [[stageDimension, ...names]] },
    Metrics: Object.entries(of).map(([Name, [, Unit]]) => ({ Name, Unit })),
  });
  return {
    _aws: {
      Timestamp: now,
      CloudWatchMetrics: [
        series(Object.keys(dimensions), values),
        ...(Object.keys(ofStage).length ? [series([], ofStage)] : []),
      ],
    },
    ...dimensions,
    ...Object.fromEntries(Object.entries({ ...values, ...ofStage }).map(([name, [value]]) => [name, value])),
  };
}
