import { poolNames } from "../scaler/policy.ts";
import type { QueueName } from "../shared/queue-timing.ts";
import { announcements } from "./announcements.ts";
import { api } from "./api.ts";
import { deadLetterConsumer } from "./dead-letters.ts";
import { dueRows } from "./due-rows.ts";
import { deadLetters, failedJobs, quarantinedRows, workersOf } from "./job-metrics.ts";
import { queueNames, queues } from "./queues.ts";
import { lookingScaler, wakingScaler } from "./scaler.ts";
import { settlement } from "./settlement.ts";
import { sweeper } from "./sweeper.ts";
import { webhookSender } from "./webhooks.ts";
import { titleOf } from "./workers.ts";

const minute = 60;
const notify = { alarmActions: [announcements.arn], okActions: [announcements.arn] };

/** Maximum age of a message in seconds before an alarm: a cold start and a margin, or a night. */
const oldestWait: Readonly<Record<QueueName, number>> = {
  interactive: 15 * minute,
  learning: 30 * minute,
  bulk: 24 * 60 * minute,
};

for (const name of queueNames) {
  const { live, dead } = queues[name];
  new aws.cloudwatch.MetricAlarm(`OldestMessage-${name}`, {
    ...notify,
    alarmDescription: `The oldest message of the queue ${name} is too old. Workers are missing or do not take jobs.`,
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
  new aws.cloudwatch.MetricAlarm(`DeadLettersRemain-${name}`, {
    ...notify,
    alarmDescription: `Dead letters of the queue ${name} are not handled, because their consumer fails. Their jobs stay unfinished.`,
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

new aws.cloudwatch.MetricAlarm("DeadLettersAdded", {
  ...notify,
  alarmDescription:
    "A message was delivered six times without success. The log contains its job and the reason.",
  metricQueries: [
    { id: "answer", expression: deadLetters, label: "dead letters", period: 300, returnData: true },
  ],
  comparisonOperator: "GreaterThanThreshold",
  threshold: 0,
  evaluationPeriods: 1,
  treatMissingData: "notBreaching",
});

new aws.cloudwatch.MetricAlarm("RowsQuarantined", {
  ...notify,
  alarmDescription:
    "The sweeper failed to handle a row ten times and retries once a day. The log names the row.",
  metricQueries: [
    { id: "answer", expression: quarantinedRows, label: "quarantined rows", period: 300, returnData: true },
  ],
  comparisonOperator: "GreaterThanThreshold",
  threshold: 0,
  evaluationPeriods: 1,
  treatMissingData: "notBreaching",
});

new aws.cloudwatch.MetricAlarm("JobFailures", {
  ...notify,
  alarmDescription: "More than 20% of at least ten jobs failed within 15 minutes.",
  metricQueries: [
    // Two statistics of one series, so both or neither have data.
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
  ...notify,
  alarmDescription: "More than 1% of at least twenty requests returned 5xx.",
  metricQueries: [
    functionMetric("errors", "Url5xxCount", api.name),
    functionMetric("requests", "UrlRequestCount", api.name),
    {
      id: "answer",
      // Without errors there is no data, which does not raise the alarm.
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
  ["Settlement", settlement.name],
] as const)
  new aws.cloudwatch.MetricAlarm(`${noun}Errors`, {
    ...notify,
    alarmDescription: `The function ${noun} fails repeatedly. Webhooks, batches, charges, failed jobs or scaling are delayed.`,
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
    ...notify,
    alarmDescription: `Workers of the ${pool} pool were requested, but none stays running. Capacity or quota is missing, or the model or GPU fails to load.`,
    metricQueries: [
      ...(["WorkersWanted", "WorkersRunning"] as const).map((name) => ({
        id: name === "WorkersWanted" ? "wanted" : "running",
        metric: { ...workersOf(pool, name), period: minute, stat: "Maximum" },
        returnData: false,
      })),
      {
        id: "answer",
        expression: "IF(wanted > 0 AND running < 1, 1, 0)",
        label: "requested but not running",
        returnData: true,
      },
    ],
    comparisonOperator: "GreaterThanThreshold",
    threshold: 0,
    evaluationPeriods: 20,
    // Longer than a cold start. Not all 20, because a worker that crashes at start-up is sometimes counted as
    // running.
    datapointsToAlarm: 12,
    treatMissingData: "notBreaching",
  });
  new aws.cloudwatch.MetricAlarm(`${title}NotScaled`, {
    ...notify,
    alarmDescription: `The ${pool} pool is not scaled, because the scaler does not run.`,
    ...workersOf(pool, "WorkersWanted"),
    statistic: "SampleCount",
    period: minute,
    comparisonOperator: "LessThanThreshold",
    threshold: 1,
    evaluationPeriods: 10,
    treatMissingData: "breaching",
  });
}
