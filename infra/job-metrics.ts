import { jobDimensions, kindDimensions, type MetricName, metricNamespace } from "../shared/metrics.ts";

/** Series that the code writes, named as it names them (`shared/metrics.ts`); of this stage alone. */
const search = (metric: MetricName, dimensions: readonly string[], statistic: string, filter = "") =>
  `SEARCH('{${[metricNamespace, ...dimensions].join(",")}} MetricName="${metric}" Stage="${$app.stage}"${filter}', '${statistic}', 300)`;

/** For graphs: one line for each combination of dimensions that has been seen. */
export const jobSeries = (metric: MetricName, statistic: string, filter = ""): string =>
  search(metric, jobDimensions, statistic, filter);

/** For alarms, which take no search but one question in CloudWatch's SQL: over all combinations. */
const select = (metric: MetricName, dimensions: readonly string[], where = "") =>
  `SELECT SUM(${metric}) FROM SCHEMA("${metricNamespace}", ${dimensions.join(", ")}) WHERE Stage = '${$app.stage}'${where}`;

export const failedJobs = select("Jobs", jobDimensions, " AND Status = 'failed'");
export const deadLetters = select("DeadLetters", kindDimensions);
export const quarantinedRows = select("QuarantinedRows", kindDimensions);

/** Jobs that went well, of one kind: a series that can be named, because they fail for no reason. */
export const succeededJobs = (kind: string) => ({
  namespace: metricNamespace,
  metricName: "Jobs" satisfies MetricName,
  dimensions: { Stage: $app.stage, Kind: kind, Status: "succeeded", Failure: "none" } satisfies Record<
    (typeof jobDimensions)[number],
    string
  >,
});
