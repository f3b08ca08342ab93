import type { LogFacts } from "./ports/log.ts";

type Unit = "Seconds" | "Count" | "Count/Second";

/** All metrics with their units; dashboard and alarms use only these. */
export const metricUnits = {
  /** Duration of one attempt, from claim to end. */
  JobSeconds: "Seconds",
  /** From a job's creation to the claim. */
  WaitSeconds: "Seconds",
  Jobs: "Count",
  /** Learning steps per second. */
  StepsPerSecond: "Count/Second",
  /** Dead-letter messages. */
  DeadLetters: "Count",
  /** Requested and running workers of a pool. */
  WorkersWanted: "Count",
  WorkersRunning: "Count",
  /**
   * 1 for a failed job, 0 for a successful one: the average is the failure rate, the sample count the number
   * of jobs.
   */
  JobFailed: "Count",
  /** Due rows that the sweeper repeatedly failed to handle. */
  QuarantinedRows: "Count",
} as const satisfies Record<string, Unit>;
export type MetricName = keyof typeof metricUnits;
export const metricNamespace = "visii";

/** Separates deployments that share an account. `createJsonLog` adds its value to every line. */
const stageDimension = "Stage";

/** Dimensions of the metrics of jobs, of dead letters and rows, and of pools. */
export const jobDimensions = [stageDimension, "Kind", "Status", "Failure"] as const;
export const kindDimensions = [stageDimension, "Kind"] as const;
export const poolDimensions = [stageDimension, "Pool"] as const;
export const stageDimensions = [stageDimension] as const;

type Values = {
  readonly [Name in MetricName]?: readonly [value: number, unit: (typeof metricUnits)[Name]];
};

/**
 * Fields of a log line in CloudWatch's embedded metric format: one series per combination of dimension
 * values, including the log's stage.
 *
 * @param now milliseconds since 1970
 * @param ofStage metrics with the stage as their only dimension
 */
export function metrics(
  values: Values,
  dimensions: Readonly<Record<string, string>>,
  now: number,
  ofStage: Values = {},
): LogFacts {
  const series = (names: readonly string[], of: Values) => ({
    Namespace: metricNamespace,
    Dimensions: [[stageDimension, ...names]],
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
