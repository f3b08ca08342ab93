import { expect } from "vitest";
import { z } from "zod";
import {
  busyShare,
  messages,
  metricPeriod,
  type PoolName,
  type PoolReading,
  poolNames,
  queuesOf,
  scalingPolicy,
  shedTo,
  trackTo,
  wakeTo,
} from "../../infra/scaling-policy.ts";
import { stageSettings } from "../../infra/stages.ts";
import type { Checks, Cloud } from "./cloud.ts";
import { evaluateExpression } from "./metric-math.ts";
import { allReadings, seriesOf } from "./pool-readings.ts";

const title = (pool: PoolName) => `${pool[0]?.toUpperCase()}${pool.slice(1)}`;

const alarmSchema = z.object({
  metricQueries: z.array(
    z.object({
      id: z.string(),
      expression: z.string().optional(),
      metric: z
        .object({
          namespace: z.string(),
          metricName: z.string(),
          dimensions: z.record(z.string(), z.string()),
          period: z.number(),
        })
        .optional(),
      returnData: z.boolean().default(false),
    }),
  ),
  comparisonOperator: z.string(),
  threshold: z.number(),
  evaluationPeriods: z.number(),
  treatMissingData: z.string(),
  alarmActions: z.array(z.string()),
});
type AlarmKind = "Wake" | "Surplus" | "Idle";

function alarm(cloud: Cloud, pool: PoolName, kind: AlarmKind) {
  const inputs = alarmSchema.parse(cloud.one("cloudwatch/metricAlarm", `${title(pool)}${kind}Alarm`).inputs);
  const { expression } = inputs.metricQueries.find(({ returnData }) => returnData)!;
  const value = (reading: PoolReading) => evaluateExpression(expression!, seriesOf(pool, reading));
  const rings = (reading: PoolReading) =>
    inputs.comparisonOperator === "GreaterThanThreshold"
      ? value(reading) > inputs.threshold
      : value(reading) < inputs.threshold;
  const policy = cloud.byArn(inputs.alarmActions[0]);
  return { ...inputs, value, rings, policy };
}

const stepsSchema = z.object({
  adjustmentType: z.string(),
  minAdjustmentMagnitude: z.number().optional(),
  stepAdjustments: z.array(
    z.object({
      scalingAdjustment: z.number(),
      metricIntervalLowerBound: z.string().optional(),
      metricIntervalUpperBound: z.string().optional(),
    }),
  ),
});

/** What Application Auto Scaling makes of an alarm that rings with a value: the number of tasks, within the target's bounds. */
function stepped(cloud: Cloud, pool: PoolName, kind: AlarmKind, reading: PoolReading): number {
  const { policy, value, threshold } = alarm(cloud, pool, kind);
  const {
    adjustmentType,
    minAdjustmentMagnitude = 0,
    stepAdjustments,
  } = stepsSchema.parse(policy.inputs.stepScalingPolicyConfiguration);
  const breach = value(reading) - threshold;
  const step = stepAdjustments.find(
    ({ metricIntervalLowerBound: low, metricIntervalUpperBound: high }) =>
      breach >= Number(low ?? -Infinity) && breach < Number(high ?? Infinity),
  );
  // A breach of exactly 0 belongs to the step below, where only that one is given.
  const { scalingAdjustment } = step ?? stepAdjustments[0]!;
  const { minCapacity, maxCapacity } = bounds(cloud, pool);
  const wanted =
    adjustmentType === "ExactCapacity"
      ? scalingAdjustment
      : reading.desired -
        Math.max(minAdjustmentMagnitude, Math.floor((reading.desired * -scalingAdjustment) / 100));
  return Math.min(maxCapacity, Math.max(minCapacity, wanted));
}

const bounds = (cloud: Cloud, pool: PoolName) =>
  z
    .object({ minCapacity: z.number(), maxCapacity: z.number(), resourceId: z.string() })
    .parse(cloud.one("appautoscaling/target", `${title(pool)}Count`).inputs);

const trackingSchema = z.object({
  targetValue: z.number(),
  disableScaleIn: z.boolean(),
  scaleOutCooldown: z.number(),
  customizedMetricSpecification: z.object({
    metrics: z.array(
      z.object({
        id: z.string(),
        expression: z.string().optional(),
        metricStat: z
          .object({
            metric: z.object({
              namespace: z.string(),
              metricName: z.string(),
              dimensions: z.array(z.object({ name: z.string(), value: z.string() })),
            }),
          })
          .optional(),
        returnData: z.boolean().default(false),
      }),
    ),
  }),
});
function tracking(cloud: Cloud, pool: PoolName) {
  const settings = trackingSchema.parse(
    cloud.one("appautoscaling/policy", `${title(pool)}Track`).inputs.targetTrackingScalingPolicyConfiguration,
  );
  const { metrics } = settings.customizedMetricSpecification;
  return { ...settings, metrics, expression: metrics.find(({ returnData }) => returnData)!.expression! };
}

export const scalingChecks: Checks = {
  "one message on any of its queues wakes a pool from zero": (cloud) => {
    for (const pool of poolNames)
      for (const queue of queuesOf(pool)) {
        const reading = { visible: { [queue]: 1 }, inFlight: {}, desired: 0 };
        expect(alarm(cloud, pool, "Wake").rings(reading), queue).toBe(true);
        expect(stepped(cloud, pool, "Wake", reading), queue).toBe(1);
      }
  },
  "an empty pool stays asleep, and one that is awake is not woken": (cloud) => {
    for (const pool of poolNames) {
      const { rings } = alarm(cloud, pool, "Wake");
      expect(rings({ visible: {}, inFlight: {}, desired: 0 })).toBe(false);
      for (const reading of allReadings(pool)) if (reading.desired > 0) expect(rings(reading)).toBe(false);
    }
  },
  "waking starts as many workers as the policy says, within the stage's bounds": (cloud) => {
    for (const pool of poolNames)
      for (const reading of allReadings(pool))
        if (reading.desired === 0 && alarm(cloud, pool, "Wake").rings(reading))
          expect(stepped(cloud, pool, "Wake", reading), JSON.stringify(reading)).toBe(
            Math.min(wakeTo(pool, reading), bounds(cloud, pool).maxCapacity),
          );
  },
  "tracking asks for as many workers as the policy says": (cloud) => {
    for (const pool of poolNames) {
      const { expression, targetValue, scaleOutCooldown } = tracking(cloud, pool);
      expect(targetValue).toBe(scalingPolicy[pool].targetWait);
      expect(scaleOutCooldown).toBe(scalingPolicy[pool].outCooldown);
      for (const reading of allReadings(pool)) {
        const metric = evaluateExpression(expression, seriesOf(pool, reading));
        const wanted = Math.ceil((reading.desired * metric) / targetValue - 1e-9);
        expect(Math.max(reading.desired, wanted), JSON.stringify(reading)).toBe(trackTo(pool, reading));
      }
    }
  },
  "bulk depth never scales interactive, nor the other way round": (cloud) => {
    for (const pool of poolNames) {
      const own = [...queuesOf(pool).map((queue) => cloud.queue(queue).state.id)];
      const alarms = (["Wake", "Surplus", "Idle"] as const).map((kind) => alarm(cloud, pool, kind));
      const seen = [
        ...alarms.flatMap(({ metricQueries }) =>
          metricQueries.flatMap(({ metric }) => metric?.dimensions.QueueName ?? []),
        ),
        ...tracking(cloud, pool).metrics.flatMap(
          ({ metricStat }) =>
            metricStat?.metric.dimensions
              .filter(({ name }) => name === "QueueName")
              .map(({ value }) => value) ?? [],
        ),
      ];
      expect(new Set(seen)).toEqual(new Set(own));
      const { resourceId } = bounds(cloud, pool);
      for (const { policy } of alarms) expect(policy.inputs.resourceId).toBe(resourceId);
      expect(cloud.one("appautoscaling/policy", `${title(pool)}Track`).inputs.resourceId).toBe(resourceId);
      expect(resourceId).toBe(
        `service/${cloud.one("ecs/cluster").state.id}/${cloud.one("ecs/service", `${title(pool)}Workers`).inputs.name}`,
      );
    }
  },
  "a worker at work is not taken away because nothing waits": (cloud) => {
    for (const pool of poolNames) {
      expect(tracking(cloud, pool).disableScaleIn).toBe(true);
      for (const reading of allReadings(pool))
        if (messages(pool, reading) > 0)
          expect(alarm(cloud, pool, "Idle").rings(reading), JSON.stringify(reading)).toBe(false);
    }
  },
  "all go to the stage's minimum when nothing waits nor is in work, after the cool-down": (cloud) => {
    for (const pool of poolNames) {
      const { minimum } = stageSettings(cloud.stage).pools[pool];
      const idle = alarm(cloud, pool, "Idle");
      const reading = { visible: {}, inFlight: {}, desired: minimum + 3 };
      expect(idle.rings(reading)).toBe(true);
      expect(stepped(cloud, pool, "Idle", reading)).toBe(minimum);
      expect(idle.rings({ ...reading, desired: minimum })).toBe(false);
      expect(idle.evaluationPeriods * metricPeriod).toBe(scalingPolicy[pool].idleAfter);
      for (const { metric } of idle.metricQueries) if (metric) expect(metric.period).toBe(metricPeriod);
    }
  },
  "workers too many go gently, and the last one stays": (cloud) => {
    for (const pool of poolNames) {
      const surplus = alarm(cloud, pool, "Surplus");
      expect(surplus.evaluationPeriods * metricPeriod).toBe(scalingPolicy[pool].surplusAfter);
      const { minCapacity } = bounds(cloud, pool);
      let shed = 0;
      for (const reading of allReadings(pool)) {
        const tooMany =
          reading.desired > Math.max(1, minCapacity) &&
          busyShare(pool, reading) < scalingPolicy[pool].surplusShare;
        expect(surplus.rings(reading), JSON.stringify(reading)).toBe(tooMany);
        if (!tooMany || reading.desired > bounds(cloud, pool).maxCapacity) continue;
        shed++;
        expect(stepped(cloud, pool, "Surplus", reading)).toBe(Math.max(minCapacity, shedTo(reading)));
      }
      if (bounds(cloud, pool).maxCapacity > 1) expect(shed).toBeGreaterThan(0);
    }
  },
  "an alarm without data moves nothing": (cloud) => {
    for (const pool of poolNames)
      for (const kind of ["Wake", "Surplus", "Idle"] as const)
        expect(alarm(cloud, pool, kind).treatMissingData).toBe("notBreaching");
  },
  "no pool has more workers than its stage allows, nor fewer than it keeps": (cloud) => {
    for (const pool of poolNames) {
      const { minimum, maximum } = stageSettings(cloud.stage).pools[pool];
      expect(bounds(cloud, pool)).toMatchObject({ minCapacity: minimum, maxCapacity: maximum });
    }
  },
  "every series that an alarm of scaling names is read, and each is of the pool's own service": (cloud) => {
    for (const pool of poolNames)
      for (const kind of ["Wake", "Surplus", "Idle"] as const) {
        const { metricQueries } = alarm(cloud, pool, kind);
        const { expression = "" } = metricQueries.find(({ returnData }) => returnData)!;
        const named = [...expression.matchAll(/\b[a-z]\w*\b/g)].map(([id]) => id);
        const read = metricQueries.flatMap(({ id, metric }) => (metric ? [id] : []));
        expect(new Set(read)).toEqual(new Set(named));
        const service = cloud.one("ecs/service", `${title(pool)}Workers`).inputs.name;
        for (const { metric } of metricQueries)
          if (metric?.namespace === "ECS/ContainerInsights")
            expect(metric.dimensions.ServiceName).toBe(service);
      }
    expect(cloud.one("ecs/cluster").inputs.settings).toEqual([
      { name: "containerInsights", value: "enabled" },
    ]);
  },
};
