import type { LogFacts } from "./ports/log.ts";

export type Unit = "Seconds" | "Count" | "Count/Second";

/**
 * Facts for a log line that CloudWatch also takes as metrics (its embedded metric format): one series for each combination of
 * the dimensions' values.
 *
 * @param now milliseconds since 1970
 */
export function metrics(
  values: Readonly<Record<string, readonly [value: number, unit: Unit]>>,
  dimensions: Readonly<Record<string, string>>,
  now: number,
): LogFacts {
  return {
    _aws: {
      Timestamp: now,
      CloudWatchMetrics: [
        {
          Namespace: "visii",
          Dimensions: [Object.keys(dimensions)],
          Metrics: Object.entries(values).map(([Name, [, Unit]]) => ({ Name, Unit })),
        },
      ],
    },
    ...dimensions,
    ...Object.fromEntries(Object.entries(values).map(([name, [value]]) => [name, value])),
  };
}
