import { expect } from "vitest";
import { z } from "zod";
import { metricPeriod } from "../../infra/scaling-policy.ts";
import { stageSettings } from "../../infra/stages.ts";
import { workerTimes } from "../../infra/worker-times.ts";
import {
  jobDimensions,
  kindDimensions,
  type MetricName,
  metricNamespace,
  metricUnits,
} from "../../shared/metrics.ts";
import type { Checks, Cloud } from "./cloud.ts";
import { allows, parsePolicy } from "./iam.ts";
import { evaluateExpression } from "./metric-math.ts";

const querySchema = z.array(
  z.object({
    metric: z
      .object({ namespace: z.string(), metricName: z.string(), dimensions: z.record(z.string(), z.string()) })
      .optional(),
  }),
);

/** A series of our own, as an alarm or the dashboard names it. */
interface Mention {
  readonly metric: string;
  readonly dimensions: readonly string[];
  /** The one that it is asked for; undefined where all would be counted. */
  readonly stage: string | undefined;
}

/** Every mention of a series of our own, in alarms and on the dashboard. */
function mentions(cloud: Cloud): readonly Mention[] {
  const texts = [...cloud.all("cloudwatch/metricAlarm"), ...cloud.all("cloudwatch/dashboard")].map(
    ({ inputs }) =>
      // Once for a dashboard's body, which is text in text.
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
  return [...named, ...asked];
}

const alarmSchema = z.object({ alarmActions: z.array(z.string()), alarmDescription: z.string() });
const graphs = (cloud: Cloud) =>
  z
    .object({
      widgets: z.array(z.object({ properties: z.object({ title: z.string(), metrics: z.unknown() }) })),
    })
    .parse(JSON.parse(String(cloud.one("cloudwatch/dashboard").inputs.dashboardBody)))
    .widgets.map(({ properties }) => properties);

export const watchChecks: Checks = {
  "the sweeper comes every minute and ends before it comes again": (cloud) => {
    const { inputs } = cloud.one("scheduler/schedule");
    expect(inputs).toMatchObject({ scheduleExpression: "rate(1 minute)", state: "ENABLED" });
    const sweeper = cloud.lambda("SweepHandler").resource;
    expect(inputs.target).toMatchObject({ arn: sweeper.state.arn });
    expect(sweeper.inputs.timeout).toBeLessThanOrEqual(60);
  },
  "EventBridge Scheduler may invoke the sweeper and nothing else": (cloud) => {
    const { roleArn } = z
      .object({ roleArn: z.string() })
      .parse(cloud.one("scheduler/schedule").inputs.target);
    const policy = cloud.policyOf(cloud.byArn(roleArn));
    for (const { name, resource } of cloud.lambdas)
      expect(allows(policy, "lambda:InvokeFunction", resource.state.arn), name).toBe(name === "SweepHandler");
  },
  "a webhook's delivery and a batch begin as soon as their rows stand": (cloud) => {
    const mapping = cloud
      .all("lambda/eventSourceMapping")
      .find(({ inputs }) => inputs.eventSourceArn === cloud.table.state.streamArn)!;
    const { filters } = z
      .object({ filters: z.array(z.object({ pattern: z.string() })) })
      .parse(mapping.inputs.filterCriteria);
    expect(filters.map(({ pattern }) => JSON.parse(pattern).dynamodb.Keys.sk.S[0].prefix).sort()).toEqual([
      "bat#",
      "dlv#",
    ]);
    for (const { pattern } of filters) expect(JSON.parse(pattern).eventName).toEqual(["INSERT"]);
    // One record that fails must not hold up those behind it.
    expect(mapping.inputs.maximumRetryAttempts).toBeLessThanOrEqual(2);
    const { policy } = cloud.lambda("TableSubscriberDueFunction");
    expect(allows(policy, "dynamodb:GetRecords", String(cloud.table.state.streamArn))).toBe(true);
  },
  "every log is kept as long as the stage says": (cloud) => {
    const logs = cloud.all("cloudwatch/logGroup");
    expect(logs).toHaveLength(7);
    for (const { inputs, name } of logs)
      expect(inputs.retentionInDays, name).toBe(stageSettings(cloud.stage).logDays);
    const written = cloud.tasks.flatMap(({ model, worker }) => [model, worker]);
    for (const { logConfiguration } of written)
      expect(logs.map(({ inputs }) => inputs.name)).toContain(logConfiguration.options["awslogs-group"]);
  },
  "every alarm moves workers or is heard, and says what it means": (cloud) => {
    const topic = cloud.one("sns/topic").state.arn;
    const alarms = cloud.all("cloudwatch/metricAlarm");
    for (const { inputs, name } of alarms) {
      const { alarmActions, alarmDescription } = alarmSchema.parse(inputs);
      expect(alarmActions, name).toHaveLength(1);
      const target = cloud.byArn(alarmActions[0]);
      expect([topic, "aws:appautoscaling/policy:Policy"], name).toContain(
        target.type.startsWith("aws:sns/") ? target.state.arn : target.type,
      );
      expect(alarmDescription.length).toBeGreaterThan(20);
    }
    const heard = alarms.filter(({ inputs }) => (inputs.alarmActions as string[]).includes(topic));
    expect(heard.map(({ name }) => name).sort()).toEqual([
      "ApiErrors",
      "BulkNotReady",
      "DeadLettersCome",
      "DeadLettersErrors",
      "DeadLettersLie-bulk",
      "DeadLettersLie-interactive",
      "DeadLettersLie-learning",
      "DueRowsErrors",
      "InteractiveNotReady",
      "JobsFail",
      "OldestMessage-bulk",
      "OldestMessage-interactive",
      "OldestMessage-learning",
      "RowsQuarantined",
      "SweepErrors",
      "WebhookSenderErrors",
    ]);
  },
  "a pool without workers is noticed, also where they start and die again; a cold start is not": (cloud) => {
    const { machineBoots, capacityIsNoticed, gpuImageIsPulled, gpuWeightsAreFetched, taskStarts } =
      workerTimes;
    const stages = [capacityIsNoticed, machineBoots, gpuImageIsPulled, gpuWeightsAreFetched, taskStarts];
    const coldStart = stages.reduce((total, { seconds }) => total + seconds, 0);
    for (const name of ["InteractiveNotReady", "BulkNotReady"]) {
      const { evaluationPeriods, datapointsToAlarm } = z
        .object({ evaluationPeriods: z.number(), datapointsToAlarm: z.number() })
        .parse(cloud.one("cloudwatch/metricAlarm", name).inputs);
      expect(datapointsToAlarm * metricPeriod).toBeGreaterThan(2 * coldStart);
      expect(datapointsToAlarm).toBeLessThanOrEqual(0.7 * evaluationPeriods);
    }
  },
  "CloudWatch and Budgets of this account may speak on the topic, and nobody else": (cloud) => {
    const [statement, ...others] = parsePolicy(cloud.one("sns/topicPolicy").inputs.policy);
    expect(others).toEqual([]);
    expect(statement?.Principal).toEqual({
      Service: ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"],
    });
    expect(statement?.Condition).toEqual({ StringEquals: { "aws:SourceAccount": ["123456789012"] } });
  },
  "dashboard and alarms name only series that the code writes, with their dimensions": (cloud) => {
    const found = mentions(cloud);
    const dimensionsOf = (metric: string): readonly string[] =>
      metric === "DeadLetters" || metric === "QuarantinedRows" ? kindDimensions : jobDimensions;
    for (const { metric, dimensions } of found) {
      expect(Object.keys(metricUnits)).toContain(metric);
      expect([...dimensions].sort(), metric).toEqual([...dimensionsOf(metric)].sort());
    }
    const unseen = (Object.keys(metricUnits) as MetricName[]).filter(
      (name) => !found.some(({ metric }) => metric === name),
    );
    expect(unseen).toEqual([]);
  },
  "the alarm on failing jobs rings for a fifth of at least ten, and for no fewer": (cloud) => {
    const { metricQueries, threshold } = z
      .object({
        metricQueries: z.array(
          z.object({
            id: z.string(),
            expression: z.string().optional(),
            returnData: z.boolean().default(false),
          }),
        ),
        threshold: z.number(),
      })
      .parse(cloud.one("cloudwatch/metricAlarm", "JobsFail").inputs);
    // CloudWatch takes one question in SQL for an alarm.
    expect(metricQueries.filter(({ expression }) => expression?.startsWith("SELECT"))).toHaveLength(1);
    const { expression = "" } = metricQueries.find(({ returnData }) => returnData)!;
    const rings = (series: Readonly<Record<string, number>>) =>
      evaluateExpression(expression, series) > threshold;
    expect(rings({ failed: 3, edit: 6, learn: 1 })).toBe(true);
    expect(rings({ failed: 10 })).toBe(true);
    expect(rings({ failed: 2, edit: 8 })).toBe(false);
    expect(rings({ failed: 9 })).toBe(false);
    expect(rings({ edit: 50, import: 2 })).toBe(false);
    expect(rings({})).toBe(false);
  },
  "the dashboard shows waits, jobs by state, seconds of work and what a job costs": (cloud) => {
    const titles = graphs(cloud).map(({ title }) => title);
    for (const word of [/oldest message/i, /jobs by state/i, /seconds of work/i, /dollars for a job/i])
      expect(
        titles.some((title) => word.test(title)),
        String(word),
      ).toBe(true);
    const shown = JSON.stringify(graphs(cloud));
    for (const name of ["interactive", "learning", "bulk"] as const)
      expect(shown).toContain(cloud.queue(name).state.id);
  },
  "everything is tagged with its project and stage, and workers' tasks with their service": (cloud) => {
    expect(cloud.app.providers.aws.defaultTags?.tags).toEqual({ project: "visii", stage: cloud.stage });
    for (const { inputs } of cloud.all("ecs/service"))
      expect(inputs).toMatchObject({ propagateTags: "SERVICE" });
  },
  "dashboard and alarms count this stage alone": (cloud) => {
    const found = mentions(cloud);
    expect(found.length).toBeGreaterThan(8);
    for (const { metric, stage } of found) expect(stage, metric).toBe(cloud.stage);
  },
  "the budget counts the whole account, until its deployer says that the tags are active": (cloud) => {
    expect(cloud.one("budgets/budget").inputs).not.toHaveProperty("filterExpression");
    expect(cloud.one("budgets/budget").inputs).not.toHaveProperty("costFilters");
  },
  "somebody hears when the month costs more than the stage's budget": (cloud) => {
    const { inputs } = cloud.one("budgets/budget");
    expect(inputs).toMatchObject({
      ...{ timeUnit: "MONTHLY", limitUnit: "USD" },
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
