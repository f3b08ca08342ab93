import {
  DescribeContainerInstancesCommand,
  DescribeTasksCommand,
  type ECSClient,
  RunTaskCommand,
  StopTaskCommand,
  type Task,
} from "@aws-sdk/client-ecs";
import { z } from "zod";
import type { Clock } from "../shared/ports/clock.ts";

/** A smoke run: one task with the new worker image. */
export const smokeOrderSchema = z.object({
  cluster: z.string(),
  taskDefinition: z.string(),
  capacityProvider: z.string(),
  subnets: z.array(z.string()).min(1),
  securityGroups: z.array(z.string()).min(1),
});
export type SmokeOrder = z.infer<typeof smokeOrderSchema>;

/** Result of a passed run. */
export interface SmokeResult {
  readonly taskId: string;
  /** EC2 instance that ran the task; undefined on Fargate. */
  readonly instanceId: string | undefined;
}

/** Container whose exit code decides. The one before it only downloads the model. */
const decisive = "smoke";

/** Milliseconds. */
export const smokeTiming = {
  /** Timeout, including the start of a machine; shorter than Lambda's maximum. */
  timeout: 14 * 60_000,
  look: 10_000,
} as const;

/**
 * Runs the worker's image once and waits for its end.
 *
 * @throws an error that stops the deployment: no machine, an image that does not start, or a failed run
 */
export async function runSmokeTask(ecs: ECSClient, clock: Clock, order: SmokeOrder): Promise<SmokeResult> {
  const { cluster, taskDefinition, capacityProvider, subnets, securityGroups } = order;
  const { tasks = [], failures = [] } = await ecs.send(
    new RunTaskCommand({
      cluster,
      taskDefinition,
      capacityProviderStrategy: [{ capacityProvider, weight: 1 }],
      networkConfiguration: { awsvpcConfiguration: { subnets, securityGroups, assignPublicIp: "DISABLED" } },
    }),
  );
  const arn = tasks[0]?.taskArn;
  if (!arn)
    throw new Error(`The smoke run could not start: ${failures.map(({ reason }) => reason).join(", ")}.`);
  const until = clock.now() + smokeTiming.timeout;
  let status: string | undefined;
  while (clock.now() < until) {
    await clock.sleep(smokeTiming.look);
    const [task] = (await ecs.send(new DescribeTasksCommand({ cluster, tasks: [arn] }))).tasks ?? [];
    status = task?.lastStatus;
    if (status !== "STOPPED") continue;
    const container = task?.containers?.find(({ name }) => name === decisive);
    if (container?.exitCode === 0)
      return {
        taskId: arn.slice(arn.lastIndexOf("/") + 1),
        instanceId: await findInstance(ecs, cluster, task),
      };
    throw new Error(
      `The smoke run of the worker's image failed (exit code ${container?.exitCode ?? "none"}): ${container?.reason ?? task?.stoppedReason ?? "see its log"}. No worker was replaced.`,
    );
  }
  await ecs.send(new StopTaskCommand({ cluster, task: arn, reason: "the smoke run timed out" }));
  const why = status === "RUNNING" ? "the task did not end" : "no machine started; check quota and capacity";
  throw new Error(
    `The smoke run timed out after ${smokeTiming.timeout / 60_000} minutes: ${why}. No worker was replaced.`,
  );
}

async function findInstance(
  ecs: ECSClient,
  cluster: string,
  task: Task | undefined,
): Promise<string | undefined> {
  if (!task?.containerInstanceArn) return undefined;
  const { containerInstances = [] } = await ecs.send(
    new DescribeContainerInstancesCommand({ cluster, containerInstances: [task.containerInstanceArn] }),
  );
  const id = containerInstances[0]?.ec2InstanceId;
  if (!id) throw new Error("The machine of the smoke run no longer exists; deploy again.");
  return id;
}
