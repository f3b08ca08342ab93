import { DescribeTasksCommand, type ECSClient, RunTaskCommand, StopTaskCommand } from "@aws-sdk/client-ecs";
import { z } from "zod";
import type { Clock } from "../shared/ports/clock.ts";

/** A smoke run: one task of the new image, with the workers' capacity providers. */
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
  /** Timeout, including the start of a machine; shorter than Lambda's maximum. */
  timeout: 14 * 60_000,
  look: 10_000,
} as const;

/**
 * Runs the worker's image once and waits for its end.
 *
 * @throws an error that stops the deployment: no machine, an image that does not start, or a failed run
 */
export async function runSmokeTask(ecs: ECSClient, clock: Clock, order: SmokeOrder): Promise<void> {
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
    const container = task?.containers?.[0];
    if (container?.exitCode === 0) return;
    throw new Error(
      `The smoke run of the worker's image failed (exit code ${container?.exitCode ?? "none"}): ${container?.reason ?? task?.stoppedReason ?? "see its log"}. No worker was replaced.`,
    );
  }
  await ecs.send(new StopTaskCommand({ cluster, task: arn, reason: "the smoke run timed out" }));
  const why = status === "RUNNING" ? "it did not end" : "no machine started; check quota and capacity";
  throw new Error(
    `The smoke run timed out after ${smokeTiming.timeout / 60_000} minutes: ${why}. No worker was replaced.`,
  );
}
