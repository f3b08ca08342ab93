import type { SmokeOrder, SmokeResult } from "../deployment/run-smoke-task.ts";
import { manifestName } from "../shared/model-manifest.ts";
import { bucket, listObjects, readObjects } from "./bucket.ts";
import { createCluster } from "./cluster.ts";
import { functionDefaults } from "./edge-function.ts";
import { createGpuMachines, createMachineTemplate } from "./gpu-machines.ts";
import { network, workerFirewall } from "./network.ts";
import { named, stage } from "./stage.ts";
import { workerImage } from "./worker-image.ts";
import { createExecutionRole, taskPrincipal } from "./worker-role.ts";
import {
  containerOf,
  createWorkerLog,
  deviceEnvironment,
  environmentOf,
  mountsOf,
  taskSize,
  taskVolumes,
  workerFolders,
} from "./worker-task.ts";

/**
 * Runs a new worker image once before any worker is replaced. Without it, a deployment without jobs would
 * start no worker, and a broken image would fail the first job. On GPUs the run also downloads the weights
 * and computes the cache, and its machine becomes the workers' machine image.
 *
 * It has its own cluster, because the workers' capacity depends on its result.
 */
export function createSmokeRun(
  gpu: { readonly profile: aws.iam.InstanceProfile; readonly machineImage: $util.Input<string> } | undefined,
) {
  const cluster = createCluster("Smoke", "smoke");
  const capacityProvider = gpu ? createBuilder(cluster, gpu) : "FARGATE";
  const providers = new aws.ecs.ClusterCapacityProviders("SmokeCapacity", {
    clusterName: cluster.name,
    capacityProviders: [capacityProvider],
  });
  const log = createWorkerLog("Smoke", "smoke");
  const executionRole = createExecutionRole("Smoke", log);
  const roles = gpu ? { taskRoleArn: createModelReader().arn } : {};
  const model = {
    ...containerOf("model", log, false),
    // Before the first model is published there is nothing to download.
    essential: false,
    command: ["node", "fetch-model.mjs"],
    environment: environmentOf({ VISII_MODEL_SOURCE: `models/${stage.model}` }),
    mountPoints: mountsOf({ models: "write", scratch: "write" }),
  };
  const smoke = {
    ...containerOf("smoke", log),
    essential: true,
    command: ["node", "smoke.mjs", "."],
    ...(gpu ? { dependsOn: [{ containerName: "model", condition: "COMPLETE" }] } : {}),
    environment: gpu
      ? environmentOf({ ...deviceEnvironment, VISII_CACHE: workerFolders.cache })
      : Object.entries(deviceEnvironment).map(([name, value]) => ({ name, value })),
    mountPoints: mountsOf(gpu ? { models: "read", cache: "write", scratch: "write" } : { scratch: "write" }),
  };
  const task = new aws.ecs.TaskDefinition("SmokeTask", {
    family: named("smoke"),
    ...taskSize,
    executionRoleArn: executionRole.arn,
    ...roles,
    volumes: gpu ? taskVolumes : [{ name: "scratch" }],
    containerDefinitions: $jsonStringify(gpu ? [model, smoke] : [smoke]),
  });
  const inCluster = (type: string) =>
    cluster.arn.apply((arn) => `${arn.replace(":cluster/", `:${type}/`)}/*`);
  const runner = new sst.aws.Function("Smoke", {
    ...functionDefaults,
    handler: "deployment/smoke-lambda.handler",
    description: "Runs the worker image once during a deployment.",
    memory: "256 MB",
    timeout: "15 minutes",
    permissions: [
      { actions: ["ecs:RunTask"], resources: [task.arn] },
      { actions: ["ecs:DescribeTasks", "ecs:StopTask"], resources: [inCluster("task")] },
      { actions: ["ecs:DescribeContainerInstances"], resources: [inCluster("container-instance")] },
      { actions: ["iam:PassRole"], resources: [executionRole.arn, ...Object.values(roles)] },
    ],
  });
  const order = {
    cluster: cluster.arn,
    taskDefinition: task.arn,
    capacityProvider,
    subnets: network.privateSubnets,
    securityGroups: [workerFirewall.id],
  } satisfies Record<keyof SmokeOrder, unknown>;
  const invocation = new aws.lambda.Invocation(
    "SmokeRun",
    {
      functionName: runner.name,
      input: $jsonStringify(order),
      // Each change makes a new machine image.
      triggers: {
        image: workerImage,
        ...(gpu ? { machineImage: gpu.machineImage, model: publishedModel() } : {}),
      },
    },
    { dependsOn: [providers] },
  );
  return { invocation, result: invocation.result.apply((text) => JSON.parse(text) as SmokeResult) };
}

const createModelReader = () =>
  new aws.iam.Role("SmokeTaskRole", {
    assumeRolePolicy: taskPrincipal,
    inlinePolicies: [
      {
        name: "read-model",
        policy: aws.iam.getPolicyDocumentOutput({ statements: [listObjects, readObjects("models")] }).json,
      },
    ],
  });

/** One machine on demand, so that a deployment does not wait for Spot. */
function createBuilder(
  cluster: aws.ecs.Cluster,
  { profile, machineImage }: { profile: aws.iam.InstanceProfile; machineImage: $util.Input<string> },
) {
  const template = createMachineTemplate({
    title: "Builder",
    noun: "builder",
    imageId: machineImage,
    profile,
    cluster,
  });
  return createGpuMachines({
    title: "Builder",
    name: named("machines-builder"),
    purchase: "onDemand",
    maximum: 1,
    template,
  }).provider.name;
}

/** The model's manifest, once it is published. */
const publishedModel = () =>
  aws.s3
    .getObjectsOutput({ bucket: bucket.name, prefix: `models/${stage.model}/${manifestName}` })
    .keys.apply((keys) => keys.join(" "));
