import type { PoolName } from "../scaler/policy.ts";
import {
  jobDimensions,
  kindDimensions,
  type MetricName,
  metricNamespace,
  type poolDimensions,
  type stageDimensions,
} from "../shared/metrics.ts";

/** Metrics of this stage, with the names of `shared/metrics.ts`. */
const search = (metric: MetricName, dimensions: readonly string[], statistic: string, filter = "") =>
  `SEARCH('{${[metricNamespace, ...dimensions].join(",")}} MetricName="${metric}" Stage="${$app.stage}"${filter}', '${statistic}', 300)`;

/** For graphs: one line per combination of dimensions. */
export const jobSeries = (metric: MetricName, statistic: string, filter = ""): string =>
  search(metric, jobDimensions, statistic, filter);

/** For alarms, which do not support SEARCH: a Metrics Insights query over all combinations. */
const select = (metric: MetricName, dimensions: readonly string[], where = "") =>
  `SELECT SUM(${metric}) FROM SCHEMA("${metricNamespace}", ${dimensions.join(", ")}) WHERE Stage = '${$app.stage}'${where}`;

export const deadLetters = select("DeadLetters", kindDimensions);
export const quarantinedRows = select("QuarantinedRows", kindDimensions);

const ofStage = { Stage: $app.stage } satisfies Record<(typeof stageDimensions)[number], string>;

/** 1 per failed job, 0 per successful job. */
export const failedJobs = {
  namespace: metricNamespace,
  metricName: "JobFailed" satisfies MetricName,
  dimensions: ofStage,
};

/**
 * Workers of a pool, as reported by the scaler each minute. Both metrics are in one log line, so neither is
 * missing alone.
 */
export const workersOf = (pool: PoolName, metricName: "WorkersWanted" | "WorkersRunning") => ({
  namespace: metricNamespace,
  metricName,
  dimensions: { ...ofStage, Pool: pool } satisfies Record<(typeof poolDimensions)[number], string>,
});
