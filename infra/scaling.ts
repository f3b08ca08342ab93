import { cluster } from "./cluster.ts";
import { busyExpression, idleExpression, trackExpression, wakeExpression } from "./pool-expressions.ts";
import { alarmQueries, readings, readingsIn } from "./pool-readings.ts";
import { metricPeriod, scalingPolicy, surplusStep, wakeSteps } from "./scaling-policy.ts";
import { stage } from "./stage.ts";
import { workers } from "./workers.ts";

for (const { pool, title, service } of workers) {
  const { minimum, maximum } = stage.pools[pool];
  const { targetWait, outCooldown, surplusShare, surplusAfter, idleAfter } = scalingPolicy[pool];
  const all = readings(pool, service.name);
  const target = new aws.appautoscaling.Target(`${title}Count`, {
    serviceNamespace: "ecs",
    scalableDimension: "ecs:service:DesiredCount",
    resourceId: $interpolate`service/${cluster.name}/${service.name}`,
    minCapacity: minimum,
    maxCapacity: maximum,
  });
  const of = {
    serviceNamespace: target.serviceNamespace,
    scalableDimension: target.scalableDimension,
    resourceId: target.resourceId,
  };

  const wake = new aws.appautoscaling.Policy(`${title}Wake`, {
    ...of,
    policyType: "StepScaling",
    stepScalingPolicyConfiguration: {
      adjustmentType: "ExactCapacity",
      metricAggregationType: "Maximum",
      cooldown: metricPeriod,
      // Bounds count from the alarm's threshold, which is 0.
      stepAdjustments: wakeSteps.map(({ fromTargets, workers }, index) => {
        const next = wakeSteps[index + 1];
        return {
          scalingAdjustment: Math.min(workers, maximum),
          metricIntervalLowerBound: String(fromTargets * targetWait),
          ...(next ? { metricIntervalUpperBound: String(next.fromTargets * targetWait) } : {}),
        };
      }),
    },
  });
  new aws.cloudwatch.MetricAlarm(`${title}WakeAlarm`, {
    alarmDescription: "Work and no worker: the first ones start.",
    metricQueries: alarmQueries(wakeExpression(pool), "seconds of work without a worker", all),
    comparisonOperator: "GreaterThanThreshold",
    threshold: 0,
    evaluationPeriods: 1,
    treatMissingData: "notBreaching",
    alarmActions: [wake.arn],
  });

  const trackBy = trackExpression(pool);
  new aws.appautoscaling.Policy(`${title}Track`, {
    ...of,
    policyType: "TargetTrackingScaling",
    targetTrackingScalingPolicyConfiguration: {
      targetValue: targetWait,
      scaleOutCooldown: outCooldown,
      // By what waits alone it would take away workers that are at work.
      disableScaleIn: true,
      customizedMetricSpecification: {
        metrics: [
          ...readingsIn(trackBy, all).map(({ id, namespace, metricName, dimensions }) => ({
            id,
            metricStat: {
              metric: {
                namespace,
                metricName,
                dimensions: Object.entries(dimensions).map(([name, value]) => ({ name, value })),
              },
              stat: "Maximum",
            },
            returnData: false,
          })),
          { id: "answer", expression: trackBy, label: "seconds of work for each worker", returnData: true },
        ],
      },
    },
  });

  const shed = new aws.appautoscaling.Policy(`${title}Shed`, {
    ...of,
    policyType: "StepScaling",
    stepScalingPolicyConfiguration: {
      adjustmentType: "PercentChangeInCapacity",
      minAdjustmentMagnitude: 1,
      cooldown: surplusAfter,
      stepAdjustments: [{ scalingAdjustment: -100 * surplusStep, metricIntervalUpperBound: "0" }],
    },
  });
  new aws.cloudwatch.MetricAlarm(`${title}SurplusAlarm`, {
    alarmDescription: "More workers than work: some go, the last one stays.",
    metricQueries: alarmQueries(busyExpression(pool, minimum), "share of lanes with work", all),
    comparisonOperator: "LessThanThreshold",
    threshold: surplusShare,
    evaluationPeriods: surplusAfter / metricPeriod,
    treatMissingData: "notBreaching",
    alarmActions: [shed.arn],
  });

  const rest = new aws.appautoscaling.Policy(`${title}Rest`, {
    ...of,
    policyType: "StepScaling",
    stepScalingPolicyConfiguration: {
      adjustmentType: "ExactCapacity",
      cooldown: metricPeriod,
      stepAdjustments: [{ scalingAdjustment: minimum, metricIntervalUpperBound: "0" }],
    },
  });
  new aws.cloudwatch.MetricAlarm(`${title}IdleAlarm`, {
    alarmDescription: "Nothing waits and nothing is in work: all go that may.",
    metricQueries: alarmQueries(idleExpression(pool, minimum), "messages waiting or in work", all),
    comparisonOperator: "LessThanThreshold",
    threshold: 1,
    evaluationPeriods: idleAfter / metricPeriod,
    treatMissingData: "notBreaching",
    alarmActions: [rest.arn],
  });
}
