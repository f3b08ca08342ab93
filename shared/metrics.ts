import type { LogFacts } from "./ports/log.ts";

export type Unit = "Seconds" | "Count" | "Count/Second";

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
  /** Due rows that the sweeper could not handle many times in a row. */
  QuarantinedRows: "Count",
} as const satisfies Record<string, Unit>;
export type MetricName = keyof typeof metricUnits;
export const metricNamespace = "visii";

/** Two deployments of one account are told apart by it. Its value stands on every line that `createJsonLog` writes. */
const stageDimension = "Stage";

/** What distinguishes the series of jobs, and those of dead letters and rows. */
export const jobDimensions = [stageDimension, "Kind", "Status", "Failure"] as const;
export const kindDimensions = [stageDimension, "Kind"] as const;

/**
 * Facts for a log line that CloudWatch also takes as metrics (its embedded metric format): one series for each combination of
 * the dimensions' values, the stage of the log among them.
 *
 * @param now milliseconds since 1970
 */
export function metrics(
  values: { readonly [Name in MetricName]?: readonly [value: number, unit: (typeof metricUnits)[Name]] },
  dimensions: Readonly<Record<string, string>>,
  now: number,
): LogFacts {
  return {
    _aws: {
      Timestamp: now,
      CloudWatchMetrics: [
        {
          Namespace: metricNamespace,
          Dimensions: [[stageDimension, ...Object.keys(dimensions)]],
          Metrics: Object.entries(values).map(([Name, [, Unit]]) => ({ Name, Unit })),
        },
      ],
    },
    ...dimensions,
    ...Object.fromEntries(Object.entries(values).map(([name, [value]]) => [name, value])),
  };
}
