import { expect } from "vitest";
import { z } from "zod";
import { stageSettings } from "../../infra/stages.ts";
import { scalerConfigSchema } from "../../scaler/config.ts";
import { queuesOfRows, spotRefusedSchema } from "../../scaler/handle.ts";
import { poolNames, purchases, queuesOf, schedulePeriod } from "../../scaler/policy.ts";
import { lockTiming } from "../../scaler/scale-pool.ts";
import { rowKeys } from "../../shared/rows.ts";
import type { Checks, Cloud } from "./cloud.ts";
import { allows } from "./iam.ts";

const scalers = (cloud: Cloud) => scalerNames.map((name) => cloud.lambda(name));
export const scalerNames = ["ScaleHandler", "TableSubscriberWakeFunction"] as const;
const config = (environment: Readonly<Record<string, string>>) =>
  scalerConfigSchema.parse({ ...environment, AWS_REGION: "us-east-1" });

export const scalingChecks: Checks = {
  "the scaler has its stage's limits, queues, services and machine groups": (cloud) => {
    for (const { environment } of scalers(cloud)) {
      const variables = config(environment);
      expect(variables.VISII_CLUSTER).toBe(cloud.one("ecs/cluster", "Workers").inputs.name);
      expect(variables.VISII_TABLE).toBe(cloud.table.state.id);
      for (const pool of poolNames) {
        const { services, groups, ...size } = variables.VISII_POOLS[pool];
        expect(size).toEqual(stageSettings(cloud.stage).pools[pool]);
        for (const queue of queuesOf(pool))
          expect(variables.VISII_QUEUE_URLS[queue]).toBe(cloud.queue(queue).state.url);
        for (const purchase of purchases)
          expect(cloud.service(pool, purchase).inputs.name).toBe(services[purchase]);
        for (const purchase of purchases)
          expect(groups?.[purchase]).toBe(cloud.group(pool, purchase)?.state.id);
      }
    }
  },
  "the scaler runs every minute and for every stored job": (cloud) => {
    const [looking, waking] = scalers(cloud);
    const schedule = cloud.one("scheduler/schedule", "ScaleSchedule").inputs;
    expect(schedule).toMatchObject({ scheduleExpression: "rate(1 minute)", state: "ENABLED" });
    expect(schedulePeriod).toBe(60);
    expect(schedule.target).toMatchObject({ arn: looking!.resource.state.arn });
    const mapping = cloud
      .all("lambda/eventSourceMapping")
      .find(({ inputs }) => inputs.functionName === waking!.resource.state.arn)!;
    expect(mapping.inputs.eventSourceArn).toBe(cloud.table.state.streamArn);
    const { filters } = z
      .object({ filters: z.array(z.object({ pattern: z.string() })) })
      .parse(mapping.inputs.filterCriteria);
    const patterns = filters.map(({ pattern }) => JSON.parse(pattern));
    expect(patterns.every(({ eventName }) => eventName[0] === "INSERT")).toBe(true);
    const prefixes: string[] = patterns.map(({ dynamodb }) => dynamodb.Keys.sk.S[0].prefix);
    for (const id of ["edt_1", "ins_1"])
      expect(prefixes.filter((prefix) => rowKeys.resource("acc_1", id).sk.startsWith(prefix))).toEqual([
        `${id.slice(0, 3)}#`,
      ]);
    expect(Object.values(queuesOfRows).flat().sort()).toEqual(poolNames.flatMap(queuesOf).sort());
  },
  "the scaler's lock outlives its timeout": (cloud) => {
    for (const { resource } of scalers(cloud))
      expect(1000 * Number(resource.inputs.timeout)).toBeLessThan(lockTiming.lease);
  },
  "the scaler counts queues, resizes services and groups, and accesses only its own rows": (cloud) => {
    const services = cloud.all("ecs/service").map(({ state }) => state.arn);
    expect(services).toHaveLength(poolNames.length * purchases.length);
    const own = { "dynamodb:LeadingKeys": rowKeys.scaler("bulk").pk };
    for (const { policy } of scalers(cloud)) {
      for (const arn of services)
        for (const action of ["DescribeServices", "UpdateService"])
          expect(allows(policy, `ecs:${action}`, arn)).toBe(true);
      expect(allows(policy, "ecs:UpdateService", `${services[0]}-of-others`)).toBe(false);
      expect(allows(policy, "ecs:DeleteService", services[0]!)).toBe(false);
      for (const pool of poolNames)
        for (const purchase of purchases) {
          const group = cloud.group(pool, purchase);
          if (group)
            expect(allows(policy, "autoscaling:SetDesiredCapacity", group.state.arn), group.name).toBe(true);
        }
      for (const group of cloud.all("autoscaling/group"))
        expect(allows(policy, "autoscaling:TerminateInstanceInAutoScalingGroup", group.state.arn)).toBe(
          false,
        );
      for (const queue of poolNames.flatMap(queuesOf)) {
        const { arn } = cloud.queue(queue).state;
        expect(allows(policy, "sqs:GetQueueAttributes", arn)).toBe(true);
        expect(allows(policy, "sqs:ReceiveMessage", arn)).toBe(false);
      }
      for (const action of ["GetItem", "PutItem"]) {
        expect(allows(policy, `dynamodb:${action}`, cloud.table.state.arn, own)).toBe(true);
        const others = { "dynamodb:LeadingKeys": "acc_1" };
        expect(allows(policy, `dynamodb:${action}`, cloud.table.state.arn, others)).toBe(false);
      }
      expect(policy.flatMap(({ Action }) => Action).filter((action) => action.startsWith("s3:"))).toEqual([]);
    }
  },
  "only the scaler changes the number of workers": (cloud) => {
    for (const type of ["appautoscaling/target", "appautoscaling/policy"])
      expect(cloud.all(type)).toEqual([]);
    for (const { inputs } of cloud.all("ecs/service")) expect(inputs.desiredCount).toBe(0);
  },
  "the scaler hears at once that a pool's Spot request failed": (cloud) => {
    const { state } = cloud.lambda("ScaleHandler").resource;
    for (const pool of poolNames) {
      const group = cloud.group(pool, "spot");
      const service = cloud.service(pool, "spot").state.arn;
      const hears = (event: unknown) =>
        cloud
          .all("cloudwatch/eventRule")
          .filter(({ inputs }) => matchesEvent(JSON.parse(String(inputs.eventPattern)), event));
      const failed = (name: string) => ({
        source: "aws.autoscaling",
        "detail-type": "EC2 Instance Launch Unsuccessful",
        detail: { AutoScalingGroupName: name, StatusCode: "Failed" },
      });
      const unplaced = (eventName: string) => ({
        source: "aws.ecs",
        "detail-type": "ECS Service Action",
        resources: [service],
        detail: { eventName, reason: "RESOURCE:FARGATE" },
      });
      const refusal = group ? failed(group.state.id) : unplaced("SERVICE_TASK_PLACEMENT_FAILURE");
      const [rule, ...others] = hears(refusal);
      expect(others).toEqual([]);
      expect(hears(group ? failed("another") : unplaced("SERVICE_STEADY_STATE"))).toEqual([]);
      const target = cloud.all("cloudwatch/eventTarget").find(({ inputs }) => inputs.rule === rule?.state.id);
      expect(target?.inputs.arn).toBe(state.arn);
      expect(spotRefusedSchema.parse(JSON.parse(String(target?.inputs.input)))).toEqual({
        spotRefused: pool,
      });
      const permission = cloud
        .all("lambda/permission")
        .find(({ inputs }) => inputs.sourceArn === rule?.state.arn);
      expect(permission?.inputs).toMatchObject({
        action: "lambda:InvokeFunction",
        function: state.id,
        principal: "events.amazonaws.com",
      });
    }
  },
};

/** EventBridge's matching of lists of exact values: a list of the event needs one common value. */
function matchesEvent(pattern: unknown, event: unknown): boolean {
  if (Array.isArray(pattern)) return [event].flat().some((value) => pattern.includes(value));
  if (typeof pattern !== "object" || pattern === null) return false;
  return Object.entries(pattern).every(([name, inner]) =>
    matchesEvent(inner, (event as Readonly<Record<string, unknown>> | undefined)?.[name]),
  );
}
