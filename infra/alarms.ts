import { poolNames } from "../scaler/policy.ts";
import type { QueueName } from "../shared/queue-timing.ts";
import { announcements } from "./announcements.ts";
import { api } from "./api.ts";
import { deadLetterConsumer } from "./dead-letters.ts";
import { dueRows } from "./due-rows.ts";
import { deadLetters, failedJobs, quarantinedRows, workersOf } from "./job-metrics.ts";
import { queueNames, queues } from "./queues.ts";
import { lookingScaler, wakingScaler } from "./scaler.ts";
import { sweeper } from "./sweeper.ts";
import { webhookSender } from "./webhooks.ts";
import { titleOf } from "./workers.ts";

const minute = 60;
const heard = { alarmActions: [announcements.arn], okActions: [announcements.arn] };

/** Seconds that a message may wait before somebody shall look: a cold start and some, or a night's work. */
const oldestWait: Readonly<Record<QueueName, number>> = {
  interactive: 15 * minute,
  learning: 30 * minute,
  bulk: 24 * 60 * minute,
};

for (const name of queueNames) {
  const { live, dead } = queues[name];
  new aws.cloudwatch.MetricAlarm(`OldestMessage-${name}`, {
    ...heard,
    alarmDescription: `A message of ${name} waits too long: no capacity, or workers that take nothing.`,
    namespace: "AWS/SQS",
    metricName: "ApproximateAgeOfOldestMessage",
    dimensions: { QueueName: live.nodes.queue.name },
    statistic: "Maximum",
    period: minute,
    evaluationPeriods: 5,
    comparisonOperator: "GreaterThanThreshold",
    threshold: oldestWait[name],
    treatMissingData: "notBreaching",
  });
  new aws.cloudwatch.MetricAlarm(`DeadLettersLie-${name}`, {
    ...heard,
    alarmDescription: `Dead letters of ${name} lie there: their consumer fails, and their callers wait for an answer.`,
    namespace: "AWS/SQS",
    metricName: "ApproximateNumberOfMessagesVisible",
    dimensions: { QueueName: dead.nodes.queue.name },
    statistic: "Maximum",
    period: minute,
    evaluationPeriods: 15,
    comparisonOperator: "GreaterThanThreshold",
    threshold: 0,
    treatMissingData: "notBreaching",
  });
}

new aws.cloudwatch.MetricAlarm("DeadLettersCome", {
  ...heard,
  alarmDescription: "A job was given up after its last delivery. Its log says why.",
  metricQueries: [
    { id: "answer", expression: deadLetters, label: "dead letters", period: 300, returnData: true },
  ],
  comparisonOperator: "GreaterThanThreshold",
  threshold: 0,
  evaluationPeriods: 1,
  treatMissingData: "notBreaching",
});

new aws.cloudwatch.MetricAlarm("RowsQuarantined", {
  ...heard,
  alarmDescription:
    "The sweeper failed to handle a row ten times. It tries again once a day; the log names the row.",
  metricQueries: [
    { id: "answer", expression: quarantinedRows, label: "quarantined rows", period: 300, returnData: true },
  ],
  comparisonOperator: "GreaterThanThreshold",
  threshold: 0,
  evaluationPeriods: 1,
  treatMissingData: "notBreaching",
});

new aws.cloudwatch.MetricAlarm("JobsFail", {
  ...heard,
  alarmDescription: "More than a fifth of at least ten jobs failed within a quarter of an hour.",
  metricQueries: [
    // Two statistics of one series: where one has data the other has.
    ...(["Average", "SampleCount"] as const).map((stat) => ({
      id: stat === "Average" ? "share" : "jobs",
      metric: { ...failedJobs, period: 900, stat },
      returnData: false,
    })),
    {
      id: "answer",
      expression: "IF(jobs >= 10, share, 0)",
      label: "share of jobs that failed",
      returnData: true,
    },
  ],
  comparisonOperator: "GreaterThanThreshold",
  threshold: 0.2,
  evaluationPeriods: 1,
  treatMissingData: "notBreaching",
});

const functionMetric = (id: string, metricName: string, functionName: $util.Input<string>) => ({
  id,
  metric: {
    namespace: "AWS/Lambda",
    metricName,
    dimensions: { FunctionName: functionName },
    period: 300,
    stat: "Sum",
  },
  returnData: false,
});
new aws.cloudwatch.MetricAlarm("ApiErrors", {
  ...heard,
  alarmDescription: "More than one request in a hundred, of at least twenty, ended in an error of our own.",
  metricQueries: [
    functionMetric("errors", "Url5xxCount", api.name),
    functionMetric("requests", "UrlRequestCount", api.name),
    {
      id: "answer",
      // Where no error was counted there is nothing to divide, and missing data rings nothing.
      expression: "IF(requests >= 20, errors / requests, 0)",
      label: "share of requests that failed",
      returnData: true,
    },
  ],
  comparisonOperator: "GreaterThanThreshold",
  threshold: 0.01,
  evaluationPeriods: 2,
  treatMissingData: "notBreaching",
});

for (const [noun, functionName] of [
  ["Sweep", sweeper.nodes.function.name],
  ["DueRows", dueRows.nodes.function.name],
  ["Scaler", lookingScaler.nodes.function.name],
  ["Wake", wakingScaler.nodes.function.name],
  ["DeadLetters", deadLetterConsumer.name],
  ["WebhookSender", webhookSender.name],
] as const)
  new aws.cloudwatch.MetricAlarm(`${noun}Errors`, {
    ...heard,
    alarmDescription: `${noun} fails again and again: webhooks, batches, failed jobs or the number of workers stand still.`,
    namespace: "AWS/Lambda",
    metricName: "Errors",
    dimensions: { FunctionName: functionName },
    statistic: "Sum",
    period: minute,
    evaluationPeriods: 5,
    datapointsToAlarm: 3,
    comparisonOperator: "GreaterThanThreshold",
    threshold: 0,
    treatMissingData: "notBreaching",
  });

for (const pool of poolNames) {
  const title = titleOf(pool);
  new aws.cloudwatch.MetricAlarm(`${title}NotReady`, {
    ...heard,
    alarmDescription: `Workers of ${pool} are wanted and none runs, or none for long: no capacity, a quota of 0, a model or a GPU that does not open.`,
    metricQueries: [
      ...(["WorkersWanted", "WorkersRunning"] as const).map((name) => ({
        id: name === "WorkersWanted" ? "wanted" : "running",
        metric: { ...workersOf(pool, name), period: minute, stat: "Maximum" },
        returnData: false,
      })),
      {
        id: "answer",
        expression: "IF(wanted > 0 AND running < 1, 1, 0)",
        label: "wanted and not there",
        returnData: true,
      },
    ],
    comparisonOperator: "GreaterThanThreshold",
    threshold: 0,
    evaluationPeriods: 20,
    // More minutes than a cold start takes. Not all twenty: a worker that dies as soon as it runs is seen running now and then.
    datapointsToAlarm: 12,
    treatMissingData: "notBreaching",
  });
  new aws.cloudwatch.MetricAlarm(`${title}Unscaled`, {
    ...heard,
    alarmDescription: `Nobody looks after the number of ${pool} workers: the scaler is silent.`,
    ...workersOf(pool, "WorkersWanted"),
    statistic: "SampleCount",
    period: minute,
    comparisonOperator: "LessThanThreshold",
    threshold: 1,
    evaluationPeriods: 10,
    treatMissingData: "breaching",
  });
}
