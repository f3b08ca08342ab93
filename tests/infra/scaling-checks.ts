import { expect } from "vitest";
import { z } from "zod";
import { stageSettings } from "../../infra/stages.ts";
import { scalerConfigSchema } from "../../scaler/config.ts";
import { queuesOfRows } from "../../scaler/handle.ts";
import { lookPeriod, poolNames, purchases, queuesOf } from "../../scaler/policy.ts";
import { turnTiming } from "../../scaler/scale-pool.ts";
import { rowKeys } from "../../shared/rows.ts";
import type { Checks, Cloud } from "./cloud.ts";
import { allows } from "./iam.ts";

const scalers = (cloud: Cloud) => scalerNames.map((name) => cloud.lambda(name));
export const scalerNames = ["ScaleHandler", "TableSubscriberWakeFunction"] as const;
const config = (environment: Readonly<Record<string, string>>) =>
  scalerConfigSchema.parse({ ...environment, AWS_REGION: "us-east-1" });

export const scalingChecks: Checks = {
  "the scaler is told its stage's bounds, its queues and its own services": (cloud) => {
    for (const { environment } of scalers(cloud)) {
      const told = config(environment);
      expect(told.VISII_CLUSTER).toBe(cloud.one("ecs/cluster").inputs.name);
      expect(told.VISII_TABLE).toBe(cloud.table.state.id);
      for (const pool of poolNames) {
        const { services, ...size } = told.VISII_POOLS[pool];
        expect(size).toEqual(stageSettings(cloud.stage).pools[pool]);
        for (const queue of queuesOf(pool))
          expect(told.VISII_QUEUE_URLS[queue]).toBe(cloud.queue(queue).state.url);
        for (const purchase of purchases)
          expect(cloud.service(pool, purchase).inputs.name).toBe(services[purchase]);
      }
    }
  },
  "it comes every minute, and a stored job wakes it": (cloud) => {
    const [looking, waking] = scalers(cloud);
    const schedule = cloud.one("scheduler/schedule", "ScaleSchedule").inputs;
    expect(schedule).toMatchObject({ scheduleExpression: "rate(1 minute)", state: "ENABLED" });
    expect(lookPeriod).toBe(60);
    expect(schedule.target).toMatchObject({ arn: looking!.resource.state.arn });
    const mapping = cloud
      .all("lambda/eventSourceMapping")
      .find(({ inputs }) => inputs.functionName === waking!.resource.state.arn)!;
    expect(mapping.inputs.eventSourceArn).toBe(cloud.table.state.streamArn);
    const { filters } = z
      .object({ filters: z.array(z.object({ pattern: z.string() })) })
      .parse(mapping.inputs.filterCriteria);
    const woken = filters.map(({ pattern }) => JSON.parse(pattern));
    expect(woken.every(({ eventName }) => eventName[0] === "INSERT")).toBe(true);
    const prefixes: string[] = woken.map(({ dynamodb }) => dynamodb.Keys.sk.S[0].prefix);
    for (const id of ["edt_1", "ins_1"])
      expect(prefixes.filter((prefix) => rowKeys.resource("acc_1", id).sk.startsWith(prefix))).toEqual([
        `${id.slice(0, 3)}#`,
      ]);
    expect(Object.values(queuesOfRows).flat().sort()).toEqual(poolNames.flatMap(queuesOf).sort());
  },
  "two never act at once: a turn at a pool is longer than the function runs": (cloud) => {
    for (const { resource } of scalers(cloud))
      expect(1000 * Number(resource.inputs.timeout)).toBeLessThan(turnTiming.turn);
  },
  "it counts queues, resizes the workers' services, keeps rows of its own, and may nothing else": (cloud) => {
    const services = cloud.all("ecs/service").map(({ state }) => state.arn);
    expect(services).toHaveLength(poolNames.length * purchases.length);
    const own = { "dynamodb:LeadingKeys": rowKeys.scaler("bulk").pk };
    for (const { policy } of scalers(cloud)) {
      for (const arn of services)
        for (const action of ["DescribeServices", "UpdateService"])
          expect(allows(policy, `ecs:${action}`, arn)).toBe(true);
      expect(allows(policy, "ecs:UpdateService", `${services[0]}-of-others`)).toBe(false);
      expect(allows(policy, "ecs:DeleteService", services[0]!)).toBe(false);
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
  "nothing else moves workers": (cloud) => {
    for (const type of ["appautoscaling/target", "appautoscaling/policy"])
      expect(cloud.all(type)).toEqual([]);
    for (const { inputs } of cloud.all("ecs/service")) expect(inputs.desiredCount).toBe(0);
  },
};
