import type { SmokeOrder } from "../deployment/run-smoke-task.ts";
import { cluster } from "./cluster.ts";
import { functionDefaults } from "./edge-function.ts";
import { network, workerFirewall } from "./network.ts";
import { named } from "./stage.ts";
import { workerImage } from "./worker-image.ts";
import { createExecutionRole } from "./worker-role.ts";
import { containerOf, createWorkerLog, deviceEnvironment, taskSize } from "./worker-task.ts";

/**
 * One task of the new image proves it before any worker is changed: at rest no worker starts with a
 * deployment, and a broken image would first be seen by somebody's job. Runs again when the image or how it
 * is started changes.
 */
export function createSmokeRun(
  capacityProvider: $util.Input<string>,
  providers: $util.Resource,
): aws.lambda.Invocation {
  const log = createWorkerLog("Smoke", "smoke");
  const role = createExecutionRole("Smoke", log);
  const task = new aws.ecs.TaskDefinition("SmokeTask", {
    family: named("smoke"),
    ...taskSize,
    executionRoleArn: role.arn,
    volumes: [{ name: "scratch" }],
    containerDefinitions: $jsonStringify([
      {
        ...containerOf("smoke", log),
        essential: true,
        command: ["node", "smoke.mjs", "."],
        environment: Object.entries(deviceEnvironment).map(([name, value]) => ({ name, value })),
        mountPoints: [{ sourceVolume: "scratch", containerPath: "/tmp", readOnly: false }],
      },
    ]),
  });
  const runner = new sst.aws.Function("Smoke", {
    ...functionDefaults,
    handler: "deployment/smoke-lambda.handler",
    description: "Runs the worker's image once.",
    memory: "256 MB",
    timeout: "15 minutes",
    permissions: [
      { actions: ["ecs:RunTask"], resources: [task.arn] },
      {
        actions: ["ecs:DescribeTasks", "ecs:StopTask"],
        resources: [cluster.arn.apply((arn) => `${arn.replace(":cluster/", ":task/")}/*`)],
      },
      { actions: ["iam:PassRole"], resources: [role.arn] },
    ],
  });
  const order = {
    cluster: cluster.arn,
    taskDefinition: task.arn,
    capacityProvider,
    subnets: network.privateSubnets,
    securityGroups: [workerFirewall.id],
  } satisfies Record<keyof SmokeOrder, unknown>;
  return new aws.lambda.Invocation(
    "SmokeRun",
    { functionName: runner.name, input: $jsonStringify(order), triggers: { image: workerImage } },
    { dependsOn: [providers] },
  );
}
