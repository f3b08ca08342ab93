import type { PoolName } from "../scaler/policy.ts";
import {
  jobDimensions,
  kindDimensions,
  type MetricName,
  metricNamespace,
  type poolDimensions,
  type stageDimensions,
} from "../shared/metrics.ts";

/** Series that the code writes, named as it names them (`shared/metrics.ts`); of this stage alone. */
const search = (metric: MetricName, dimensions: readonly string[], statistic: string, filter = "") =>
  `SEARCH('{${[metricNamespace, ...dimensions].join(",")}} MetricName="${metric}" Stage="${$app.stage}"${filter}', '${statistic}', 300)`;

/** For graphs: one line for each combination of dimensions that has been seen. */
export const jobSeries = (metric: MetricName, statistic: string, filter = ""): string =>
  search(metric, jobDimensions, statistic, filter);

/** For alarms, which take no search but one question in CloudWatch's SQL: over all combinations. */
const select = (metric: MetricName, dimensions: readonly string[], where = "") =>
  `SELECT SUM(${metric}) FROM SCHEMA("${metricNamespace}", ${dimensions.join(", ")}) WHERE Stage = '${$app.stage}'${where}`;

export const deadLetters = select("DeadLetters", kindDimensions);
export const quarantinedRows = select("QuarantinedRows", kindDimensions);

const ofStage = { Stage: $app.stage } satisfies Record<(typeof stageDimensions)[number], string>;

/** 1 for each job that failed, 0 for each that went well. */
export const failedJobs = {
  namespace: metricNamespace,
  metricName: "JobFailed" satisfies MetricName,
  dimensions: ofStage,
};

/** Workers of a pool, as the scaler counts them each minute: wanted and running come in one line, never one without the other. */
export const workersOf = (pool: PoolName, metricName: "WorkersWanted" | "WorkersRunning") => ({
  namespace: metricNamespace,
  metricName,
  dimensions: { ...ofStage, Pool: pool } satisfies Record<(typeof poolDimensions)[number], string>,
});
