import { expect } from "vitest";
import { z } from "zod";
import { stageSettings } from "../../infra/stages.ts";
import { schedulePeriod } from "../../scaler/policy.ts";
import { workerTimes } from "../../scaler/worker-times.ts";
import {
  jobDimensions,
  kindDimensions,
  type MetricName,
  metricNamespace,
  metricUnits,
  poolDimensions,
  stageDimensions,
} from "../../shared/metrics.ts";
import type { Checks, Cloud } from "./cloud.ts";
import { allows, parsePolicy } from "./iam.ts";

const querySchema = z.array(
  z.object({
    metric: z
      .object({ namespace: z.string(), metricName: z.string(), dimensions: z.record(z.string(), z.string()) })
      .optional(),
  }),
);

/** Use of a custom metric in an alarm or the dashboard. */
interface Mention {
  readonly metric: string;
  readonly dimensions: readonly string[];
  /** Undefined if the metrics of all stages are used. */
  readonly stage: string | undefined;
}

const plainSchema = z.object({ metricName: z.string(), dimensions: z.record(z.string(), z.string()) });

/** A line of a graph: namespace, name, then names and values of dimensions, and options. */
function asMetric(line: unknown): Readonly<Record<string, unknown>> {
  const words = z
    .array(z.unknown())
    .parse(line)
    .filter((word) => typeof word === "string");
  const [namespace, metricName, ...rest] = words;
  const dimensions = Object.fromEntries(
    rest.flatMap((word, index) => (index % 2 ? [] : [[word, rest[index + 1]]])),
  );
  return { namespace, metricName, dimensions };
}

/** All uses of custom metrics in alarms and the dashboard. */
function mentions(cloud: Cloud): readonly Mention[] {
  const texts = [...cloud.all("cloudwatch/metricAlarm"), ...cloud.all("cloudwatch/dashboard")].map(
    ({ inputs }) =>
      // The dashboard's body is JSON within JSON.
      JSON.stringify(inputs).replaceAll("\\", ""),
  );
  const named = cloud
    .all("cloudwatch/metricAlarm")
    .flatMap(({ inputs }) => querySchema.parse(inputs.metricQueries ?? []))
    .flatMap(({ metric }) => (metric?.namespace === metricNamespace ? [metric] : []))
    .map(({ metricName, dimensions }) => ({
      metric: metricName,
      dimensions: Object.keys(dimensions),
      stage: dimensions.Stage,
    }));
  const plain = [
    ...cloud.all("cloudwatch/metricAlarm").map(({ inputs }) => inputs),
    ...graphs(cloud).flatMap(({ metrics }) => z.array(z.unknown()).parse(metrics).map(asMetric)),
  ]
    .filter(({ namespace }) => namespace === metricNamespace)
    .map((inputs) => plainSchema.parse(inputs))
    .map(({ metricName, dimensions }) => ({
      metric: metricName,
      dimensions: Object.keys(dimensions),
      stage: dimensions.Stage,
    }));
  const patterns = [
    /SEARCH\('\{(?<namespace>\w+),(?<dimensions>[\w,]+)\} MetricName="(?<metric>\w+)"(?: Stage="(?<stage>[\w-]+)")?/g,
    /SELECT SUM\((?<metric>\w+)\) FROM SCHEMA\("(?<namespace>\w+)", (?<dimensions>[\w, ]+)\)(?: WHERE Stage = '(?<stage>[\w-]+)')?/g,
  ];
  const asked = texts
    .flatMap((text) => patterns.flatMap((pattern) => [...text.matchAll(pattern)]))
    .map(({ groups }) => {
      const {
        namespace,
        dimensions = "",
        metric = "",
        stage,
      }: Readonly<Record<string, string>> = groups ?? {};
      expect(namespace).toBe(metricNamespace);
      return { metric, dimensions: dimensions.split(/, ?/), stage };
    });
  return [...named, ...plain, ...asked];
}

const formulaSchema = z.object({
  threshold: z.number(),
  metricQueries: z
    .array(
      z.object({
        id: z.string(),
        expression: z.string().optional(),
        metric: z.object({ stat: z.string() }).optional(),
        returnData: z.boolean().default(false),
      }),
    )
    .optional(),
});
const alarmSchema = z.object({ alarmActions: z.array(z.string()), alarmDescription: z.string() });
const graphs = (cloud: Cloud) =>
  z
    .object({
      widgets: z.array(z.object({ properties: z.object({ title: z.string(), metrics: z.unknown() }) })),
    })
    .parse(JSON.parse(String(cloud.one("cloudwatch/dashboard").inputs.dashboardBody)))
    .widgets.map(({ properties }) => properties);

export const watchChecks: Checks = {
  "the sweeper runs every minute and ends before the next run": (cloud) => {
    const { inputs } = cloud.one("scheduler/schedule", "SweepSchedule");
    expect(inputs).toMatchObject({ scheduleExpression: "rate(1 minute)", state: "ENABLED" });
    const sweeper = cloud.lambda("SweepHandler").resource;
    expect(inputs.target).toMatchObject({ arn: sweeper.state.arn });
    expect(sweeper.inputs.timeout).toBeLessThanOrEqual(60);
  },
  "the sweeper's schedule may invoke only the sweeper": (cloud) => {
    const { roleArn } = z
      .object({ roleArn: z.string() })
      .parse(cloud.one("scheduler/schedule", "SweepSchedule").inputs.target);
    const policy = cloud.policyOf(cloud.byArn(roleArn));
    for (const { name, resource } of cloud.lambdas)
      expect(allows(policy, "lambda:InvokeFunction", resource.state.arn), name).toBe(name === "SweepHandler");
  },
  "inserting a delivery or batch row invokes the due-row function": (cloud) => {
    const mapping = cloud
      .all("lambda/eventSourceMapping")
      .find(
        ({ inputs }) => inputs.functionName === cloud.lambda("TableSubscriberDueFunction").resource.state.arn,
      )!;
    expect(mapping.inputs.eventSourceArn).toBe(cloud.table.state.streamArn);
    const { filters } = z
      .object({ filters: z.array(z.object({ pattern: z.string() })) })
      .parse(mapping.inputs.filterCriteria);
    expect(filters.map(({ pattern }) => JSON.parse(pattern).dynamodb.Keys.sk.S[0].prefix).sort()).toEqual([
      "bat#",
      "dlv#",
    ]);
    for (const { pattern } of filters) expect(JSON.parse(pattern).eventName).toEqual(["INSERT"]);
    // A failing record must not block the stream.
    expect(mapping.inputs.maximumRetryAttempts).toBeLessThanOrEqual(2);
    const { policy } = cloud.lambda("TableSubscriberDueFunction");
    expect(allows(policy, "dynamodb:GetRecords", String(cloud.table.state.streamArn))).toBe(true);
  },
  "every log has the stage's retention": (cloud) => {
    const logs = cloud.all("cloudwatch/logGroup");
    expect(logs).toHaveLength(12);
    for (const { inputs, name } of logs)
      expect(inputs.retentionInDays, name).toBe(stageSettings(cloud.stage).logDays);
    const written = cloud.tasks.flatMap(({ model, worker }) => [model, worker]);
    for (const { logConfiguration } of written)
      expect(logs.map(({ inputs }) => inputs.name)).toContain(logConfiguration.options["awslogs-group"]);
  },
  "every alarm notifies the topic and has a description": (cloud) => {
    const topic = cloud.one("sns/topic").state.arn;
    const alarms = cloud.all("cloudwatch/metricAlarm");
    for (const { inputs, name } of alarms) {
      const { alarmActions, alarmDescription } = alarmSchema.parse(inputs);
      expect(alarmActions, name).toEqual([topic]);
      expect(alarmDescription.length).toBeGreaterThan(20);
    }
    expect(alarms.map(({ name }) => name).sort()).toEqual([
      "ApiErrors",
      "BulkNotReady",
      "BulkNotScaled",
      "DeadLettersAdded",
      "DeadLettersErrors",
      "DeadLettersRemain-bulk",
      "DeadLettersRemain-interactive",
      "DeadLettersRemain-learning",
      "DueRowsErrors",
      "InteractiveNotReady",
      "InteractiveNotScaled",
      "JobFailures",
      "OldestMessage-bulk",
      "OldestMessage-interactive",
      "OldestMessage-learning",
      "RowsQuarantined",
      "ScalerErrors",
      "SettlementErrors",
      "SweepErrors",
      "WakeErrors",
      "WebhookSenderErrors",
    ]);
  },
  "an alarm detects a pool without running workers, also in a crash loop, but not during a cold start": (
    cloud,
  ) => {
    const { wake, machineIsRequested, machineBoots, snapshotIsRead, taskStarts } = workerTimes;
    const coldStart = [wake, machineIsRequested, machineBoots, snapshotIsRead, taskStarts].reduce(
      (total, { seconds }) => total + seconds,
      0,
    );
    for (const name of ["InteractiveNotReady", "BulkNotReady"]) {
      const { evaluationPeriods, datapointsToAlarm } = z
        .object({ evaluationPeriods: z.number(), datapointsToAlarm: z.number() })
        .parse(cloud.one("cloudwatch/metricAlarm", name).inputs);
      expect(datapointsToAlarm * schedulePeriod).toBeGreaterThan(2 * coldStart);
      expect(datapointsToAlarm).toBeLessThanOrEqual(0.7 * evaluationPeriods);
    }
  },
  "only CloudWatch and Budgets of this account may publish to the topic": (cloud) => {
    const [statement, ...others] = parsePolicy(cloud.one("sns/topicPolicy").inputs.policy);
    expect(others).toEqual([]);
    expect(statement?.Principal).toEqual({
      Service: ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"],
    });
    expect(statement?.Condition).toEqual({ StringEquals: { "aws:SourceAccount": ["123456789012"] } });
  },
  "dashboard and alarms use exactly the metrics that the code writes, with their dimensions": (cloud) => {
    const found = mentions(cloud);
    const dimensionsOf = (metric: string): readonly string[] =>
      /^Workers/.test(metric)
        ? poolDimensions
        : metric === "JobFailed"
          ? stageDimensions
          : metric === "DeadLetters" || metric === "QuarantinedRows"
            ? kindDimensions
            : jobDimensions;
    for (const { metric, dimensions } of found) {
      expect(Object.keys(metricUnits)).toContain(metric);
      expect([...dimensions].sort(), metric).toEqual([...dimensionsOf(metric)].sort());
    }
    const unused = (Object.keys(metricUnits) as MetricName[]).filter(
      (name) => !found.some(({ metric }) => metric === name),
    );
    expect(unused).toEqual([]);
  },
  "no metric expression replaces missing data by zero": (cloud) => {
    for (const [name, text] of cloud.texts) expect(text, name).not.toMatch(/\bFILL\b/);
    for (const { inputs, name } of cloud.all("cloudwatch/metricAlarm")) {
      const { metricQueries = [] } = formulaSchema.parse(inputs);
      const { expression = "" } = metricQueries.find(({ returnData }) => returnData) ?? {};
      const named = [...expression.matchAll(/\b[a-z]\w*\b/g)].map(([id]) => id);
      const read = metricQueries.filter(({ returnData }) => !returnData).map(({ id }) => id);
      if (!expression.startsWith("SELECT")) expect(new Set(read), name).toEqual(new Set(named));
    }
  },
  "the alarm JobFailures needs 20% failures of at least ten jobs": (cloud) => {
    const { metricQueries = [], threshold } = formulaSchema.parse(
      cloud.one("cloudwatch/metricAlarm", "JobFailures").inputs,
    );
    expect(metricQueries.map(({ expression, metric }) => expression ?? metric?.stat)).toEqual([
      "Average",
      "SampleCount",
      "IF(jobs >= 10, share, 0)",
    ]);
    expect(threshold).toBe(0.2);
  },
  "missing scaler metrics raise an alarm": (cloud) => {
    for (const name of ["InteractiveNotScaled", "BulkNotScaled"])
      expect(cloud.one("cloudwatch/metricAlarm", name).inputs).toMatchObject({
        metricName: "WorkersWanted",
        statistic: "SampleCount",
        treatMissingData: "breaching",
        comparisonOperator: "LessThanThreshold",
        threshold: 1,
      });
  },
  "the dashboard shows waits, jobs by state, compute seconds and cost per job": (cloud) => {
    const titles = graphs(cloud).map(({ title }) => title);
    for (const word of [/oldest message/i, /jobs by state/i, /compute seconds/i, /dollars per job/i])
      expect(
        titles.some((title) => word.test(title)),
        String(word),
      ).toBe(true);
    const shown = JSON.stringify(graphs(cloud));
    for (const name of ["interactive", "learning", "bulk"] as const)
      expect(shown).toContain(cloud.queue(name).state.id);
  },
  "all resources have the tags project and stage, and tasks those of their service": (cloud) => {
    expect(cloud.app.providers.aws.defaultTags?.tags).toEqual({ project: "visii", stage: cloud.stage });
    for (const { inputs } of cloud.all("ecs/service"))
      expect(inputs).toMatchObject({ propagateTags: "SERVICE" });
  },
  "dashboard and alarms use only this stage's metrics": (cloud) => {
    const found = mentions(cloud);
    expect(found.length).toBeGreaterThan(8);
    for (const { metric, stage } of found) expect(stage, metric).toBe(cloud.stage);
  },
  "the budget covers the whole account by default": (cloud) => {
    expect(cloud.one("budgets/budget").inputs).not.toHaveProperty("filterExpression");
    expect(cloud.one("budgets/budget").inputs).not.toHaveProperty("costFilters");
  },
  "exceeding the stage's monthly budget sends a notice": (cloud) => {
    const { inputs } = cloud.one("budgets/budget");
    expect(inputs).toMatchObject({
      timeUnit: "MONTHLY",
      limitUnit: "USD",
      limitAmount: String(stageSettings(cloud.stage).monthlyBudget),
    });
    const topic = cloud.one("sns/topic").state.arn;
    expect(inputs.notifications).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          notificationType: "ACTUAL",
          threshold: 100,
          subscriberSnsTopicArns: [topic],
        }),
        expect.objectContaining({ notificationType: "FORECASTED", subscriberSnsTopicArns: [topic] }),
      ]),
    );
  },
};
