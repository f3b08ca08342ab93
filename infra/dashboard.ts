import { poolNames } from "../scaler/policy.ts";
import { api } from "./api.ts";
import { jobSeries, workersOf } from "./job-metrics.ts";
import { cpuWorkerHour, gpuMachines, spotShare } from "./machines.ts";
import { queueNames, queues } from "./queues.ts";
import { named, stage } from "./stage.ts";

type Line = $util.Input<readonly unknown[]>;
const region = aws.getRegionOutput().region;

/** A graph; two per row. */
const graph = (index: number, title: string, metrics: readonly Line[], more: object = {}) => ({
  type: "metric",
  x: (index % 2) * 12,
  y: Math.floor(index / 2) * 6,
  width: 12,
  height: 6,
  properties: { title, region, period: 300, view: "timeSeries", metrics, ...more },
});
const formula = (expression: string, label: string, id?: string, visible = true): Line => [
  { expression, label, ...(id ? { id } : {}), visible },
];

const ofQueue = (metric: string, label: string) =>
  queueNames.map((name) => [
    ...["AWS/SQS", metric, "QueueName", queues[name].live.nodes.queue.name],
    { label: `${name} ${label}`, stat: "Maximum" },
  ]);
const ofWorkers = (name: "WorkersWanted" | "WorkersRunning", options: (index: number) => object) =>
  poolNames.map((pool, index) => {
    const { namespace, metricName, dimensions } = workersOf(pool, name);
    return [
      namespace,
      metricName,
      ...Object.entries(dimensions).flat(),
      { stat: "Average", ...options(index) },
    ];
  });

/**
 * US dollars per worker and hour: Spot for pools without on-demand workers, otherwise on demand, which
 * overestimates.
 */
const workerHour = (onDemandBase: number) =>
  (stage.device === "cpu" ? cpuWorkerHour : gpuMachines["g6.xlarge"].onDemand) *
  (onDemandBase > 0 ? 1 : spotShare);
const dollars = poolNames
  .map((pool, index) => `w${index} * ${workerHour(stage.pools[pool].onDemandBase)} * 300 / 3600`)
  .join(" + ");

const graphs = [
  graph(0, "Oldest message (s)", ofQueue("ApproximateAgeOfOldestMessage", "oldest")),
  graph(1, "Messages waiting and in flight", [
    ...ofQueue("ApproximateNumberOfMessagesVisible", "waiting"),
    ...ofQueue("ApproximateNumberOfMessagesNotVisible", "in flight"),
  ]),
  graph(2, "Jobs by state", [
    ...["succeeded", "failed", "canceled"].map((status) =>
      formula(`SUM(${jobSeries("Jobs", "Sum", ` Status="${status}"`)})`, status),
    ),
  ]),
  graph(3, "Wait before start, p95 (s)", [formula(jobSeries("WaitSeconds", "p95"), "")]),
  graph(4, "Workers wanted and running", [
    ...ofWorkers("WorkersWanted", (index) => ({ label: `${poolNames[index]} wanted` })),
    ...ofWorkers("WorkersRunning", (index) => ({ label: `${poolNames[index]} running` })),
  ]),
  graph(5, "Compute seconds by kind", [formula(jobSeries("JobSeconds", "Sum"), "")]),
  graph(6, "Learning steps per second", [formula(jobSeries("StepsPerSecond", "Average"), "")]),
  graph(7, "US dollars per job, including idle time", [
    ...ofWorkers("WorkersRunning", (index) => ({ id: `w${index}`, visible: false })),
    formula(`SUM(${jobSeries("Jobs", "Sum")})`, "jobs", "jobs", false),
    formula(`IF(jobs > 0, (${dollars}) / jobs)`, "dollars per job", "cost"),
  ]),
  graph(8, "Requests and 5xx errors", [
    ["AWS/Lambda", "UrlRequestCount", "FunctionName", api.name, { stat: "Sum", label: "requests" }],
    ["AWS/Lambda", "Url5xxCount", "FunctionName", api.name, { stat: "Sum", label: "5xx" }],
  ]),
  graph(9, "Time to first byte, p95 (ms)", [
    ["AWS/Lambda", "UrlRequestLatency", "FunctionName", api.name, { stat: "p95", label: "API" }],
  ]),
];

export const dashboard = new aws.cloudwatch.Dashboard("Dashboard", {
  dashboardName: named("overview"),
  dashboardBody: $jsonStringify({ widgets: graphs }),
});
