import { DescribeTasksCommand, type ECSClient, RunTaskCommand, StopTaskCommand } from "@aws-sdk/client-ecs";
import { z } from "zod";
import type { Clock } from "../shared/ports/clock.ts";

/** What a deployment asks for: one task of the new image, on machines of the kind that workers get. */
export const smokeOrderSchema = z.object({
  cluster: z.string(),
  taskDefinition: z.string(),
  capacityProvider: z.string(),
  subnets: z.array(z.string()).min(1),
  securityGroups: z.array(z.string()).min(1),
});
export type SmokeOrder = z.infer<typeof smokeOrderSchema>;

/** Milliseconds. */
export const smokeTiming = {
  /** Of all of it, with a machine that must come first; shorter than a Lambda function may run. */
  patience: 14 * 60_000,
  look: 10_000,
} as const;

/**
 * Runs the worker's image once and waits for its end.
 *
 * @throws an error that says why the deployment must not go on: no machine, an image that does not start, a run that failed
 */
export async function runSmokeTask(ecs: ECSClient, clock: Clock, order: SmokeOrder): Promise<void> {
  const { cluster, taskDefinition, capacityProvider, subnets, securityGroups } = order;
  const { tasks = [], failures = [] } = await ecs.send(
    new RunTaskCommand({
      ...{ cluster, taskDefinition, capacityProviderStrategy: [{ capacityProvider, weight: 1 }] },
      networkConfiguration: { awsvpcConfiguration: { subnets, securityGroups, assignPublicIp: "DISABLED" } },
    }),
  );
  const arn = tasks[0]?.taskArn;
  if (!arn)
    throw new Error(`The smoke run cannot start: ${failures.map(({ reason }) => reason).join(", ")}.`);
  const until = clock.now() + smokeTiming.patience;
  let status: string | undefined;
  while (clock.now() < until) {
    await clock.sleep(smokeTiming.look);
    const [task] = (await ecs.send(new DescribeTasksCommand({ cluster, tasks: [arn] }))).tasks ?? [];
    status = task?.lastStatus;
    if (status !== "STOPPED") continue;
    const container = task?.containers?.[0];
    if (container?.exitCode === 0) return;
    throw new Error(
      `The worker's image fails its smoke run (exit code ${container?.exitCode ?? "none"}): ${container?.reason ?? task?.stoppedReason ?? "its log says why"}. No worker was changed.`,
    );
  }
  await ecs.send(new StopTaskCommand({ cluster, task: arn, reason: "the smoke run takes too long" }));
  const why = status === "RUNNING" ? "it does not end" : "no machine came: look at quota and capacity";
  throw new Error(
    `The smoke run is not done after ${smokeTiming.patience / 60_000} minutes: ${why}. No worker was changed.`,
  );
}
