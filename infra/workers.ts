import { type PoolName, type Purchase, poolNames, purchases } from "../scaler/policy.ts";
import { cluster } from "./cluster.ts";
import {
  createGpuMachines,
  createMachineProfile,
  createMachineTemplate,
  getEcsImage,
} from "./gpu-machines.ts";
import { network, workerFirewall } from "./network.ts";
import { createSmokeRun } from "./smoke.ts";
import { named, stage } from "./stage.ts";
import { createWorkerTask } from "./worker-task.ts";

export const titleOf = (pool: PoolName) => `${pool[0]?.toUpperCase()}${pool.slice(1)}`;
const purchaseTitle: Readonly<Record<Purchase, string>> = { spot: "", onDemand: "OnDemand" };
const purchaseName: Readonly<Record<Purchase, string>> = { spot: "spot", onDemand: "on-demand" };

const profile = stage.device === "cuda" ? createMachineProfile() : undefined;
const machineImage = profile && getEcsImage();
const smokeRun = createSmokeRun(profile && machineImage ? { profile, machineImage } : undefined);

/**
 * The workers' machines start from an image of the machine that ran the smoke run, which has the worker's
 * image, the weights and the cache on its disk.
 */
function createWorkerTemplate(machineProfile: aws.iam.InstanceProfile) {
  const image = new aws.ec2.AmiFromInstance(
    "WorkerMachineImage",
    {
      // A new name creates a new image, even of the same machine.
      name: $interpolate`${named("worker")}-${smokeRun.result.taskId}`,
      sourceInstanceId: smokeRun.result.apply(({ instanceId }) => instanceId ?? ""),
    },
    // A snapshot of tens of gigabytes.
    { customTimeouts: { create: "60m" } },
  );
  return createMachineTemplate({
    title: "Machine",
    noun: "machine",
    imageId: image.id,
    profile: machineProfile,
    cluster,
    // EBS's maximum.
    initialization: 300,
  });
}
const template = profile && createWorkerTemplate(profile);

/** Where tasks run: on the service's own machines, or on Fargate. */
function createCapacity(pool: PoolName, purchase: Purchase) {
  if (!template) return { provider: $output(purchase === "spot" ? "FARGATE_SPOT" : "FARGATE") };
  const { group, provider } = createGpuMachines({
    title: `${titleOf(pool)}${purchaseTitle[purchase]}`,
    name: named(`machines-${pool}-${purchaseName[purchase]}`),
    purchase,
    // One more than workers, so that a deployment can start a new worker before it stops an old one.
    maximum: stage.pools[pool].maximum + 1,
    template,
  });
  return { group, provider: provider.name };
}

const capacities = poolNames.flatMap((pool) =>
  purchases.map((purchase) => ({ pool, purchase, ...createCapacity(pool, purchase) })),
);

const providers = new aws.ecs.ClusterCapacityProviders("WorkersCapacity", {
  clusterName: cluster.name,
  capacityProviders: $resolve(capacities.map(({ provider }) => provider)).apply((names) => [
    ...new Set(names),
  ]),
});

const tasks = Object.fromEntries(
  poolNames.map((pool) => [pool, createWorkerTask(pool, titleOf(pool))]),
) as Record<PoolName, aws.ecs.TaskDefinition>;

/**
 * Each pool has a service on Spot, and one on demand for its base and for missing Spot capacity. The scaler
 * sets the number of tasks; deployments do not change it.
 */
export const workers = capacities.map(({ pool, purchase, provider, group }) => {
  const service = new aws.ecs.Service(
    `${titleOf(pool)}${purchaseTitle[purchase]}Workers`,
    {
      name: named(`workers-${pool}-${purchaseName[purchase]}`),
      cluster: cluster.arn,
      taskDefinition: tasks[pool].arn,
      desiredCount: 0,
      capacityProviderStrategies: [{ capacityProvider: provider, weight: 1 }],
      networkConfiguration: {
        subnets: network.privateSubnets,
        securityGroups: [workerFirewall.id],
        assignPublicIp: false,
      },
      ...(stage.device === "cuda"
        ? { orderedPlacementStrategies: [{ type: "binpack", field: "memory" }] }
        : {}),
      availabilityZoneRebalancing: "DISABLED",
      // A new worker must be healthy before an old one stops. A worker with a job stops when the job ends.
      deploymentMinimumHealthyPercent: 100,
      deploymentMaximumPercent: 200,
      deploymentCircuitBreaker: { enable: true, rollback: true },
      propagateTags: "SERVICE",
      enableEcsManagedTags: true,
      // Removing a stage does not wait for jobs; its queues are deleted too.
      forceDelete: true,
      waitForSteadyState: false,
    },
    { ignoreChanges: ["desiredCount"], dependsOn: [providers, smokeRun.invocation] },
  );
  return { pool, purchase, service, group };
});
