import { type PoolName, type Purchase, poolNames, purchases } from "../scaler/policy.ts";
import { cluster } from "./cluster.ts";
import { createGpuMachines, createMachineTemplate } from "./gpu-machines.ts";
import { network, workerFirewall } from "./network.ts";
import { createSmokeRun } from "./smoke.ts";
import { named, stage } from "./stage.ts";
import { createWorkerTask } from "./worker-task.ts";

export const titleOf = (pool: PoolName) => `${pool[0]?.toUpperCase()}${pool.slice(1)}`;
const purchaseTitle: Readonly<Record<Purchase, string>> = { spot: "", onDemand: "OnDemand" };
const purchaseName: Readonly<Record<Purchase, string>> = { spot: "spot", onDemand: "on-demand" };

const template = stage.device === "cuda" ? createMachineTemplate() : undefined;

/** Where tasks go: to machines of their own, or to Fargate. */
function createCapacity(pool: PoolName, purchase: Purchase) {
  if (!template) return $output(purchase === "spot" ? "FARGATE_SPOT" : "FARGATE");
  const title = `${titleOf(pool)}${purchaseTitle[purchase]}`;
  const name = named(`machines-${pool}-${purchaseName[purchase]}`);
  return createGpuMachines({ title, name, purchase, maximum: stage.pools[pool].maximum, template }).name;
}

const capacities = poolNames.flatMap((pool) =>
  purchases.map((purchase) => ({ pool, purchase, provider: createCapacity(pool, purchase) })),
);

const providers = new aws.ecs.ClusterCapacityProviders("WorkersCapacity", {
  clusterName: cluster.name,
  capacityProviders: $resolve(capacities.map(({ provider }) => provider)).apply((names) => [
    ...new Set(names),
  ]),
});

// On demand: a deployment shall not wait for Spot.
const smokeRun = createSmokeRun(
  capacities.find(({ purchase }) => purchase === "onDemand")?.provider ?? "FARGATE",
  providers,
);

const tasks = Object.fromEntries(
  poolNames.map((pool) => [pool, createWorkerTask(pool, titleOf(pool))]),
) as Record<PoolName, aws.ecs.TaskDefinition>;

/**
 * For each pool a service on Spot, and one on demand for its base and for what Spot does not give. How many
 * tasks they have is the scaler's to say, not a deployment's.
 */
export const workers = capacities.map(({ pool, purchase, provider }) => {
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
      // A new worker is well before an old one goes; one that has a job goes when that is done.
      deploymentMinimumHealthyPercent: 100,
      deploymentMaximumPercent: 200,
      deploymentCircuitBreaker: { enable: true, rollback: true },
      propagateTags: "SERVICE",
      enableEcsManagedTags: true,
      // A stage that is removed waits for no job: its queues go too.
      forceDelete: true,
      waitForSteadyState: false,
    },
    { ignoreChanges: ["desiredCount"], dependsOn: [providers, smokeRun] },
  );
  return { pool, purchase, service };
});
