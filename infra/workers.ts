import { cluster } from "./cluster.ts";
import { createGpuMachines, createMachineTemplate } from "./gpu-machines.ts";
import { network, workerFirewall } from "./network.ts";
import { type PoolName, poolNames } from "./scaling-policy.ts";
import { named, stage } from "./stage.ts";
import { createWorkerTask } from "./worker-task.ts";

const title = (pool: PoolName) => `${pool[0]?.toUpperCase()}${pool.slice(1)}`;

const template = stage.device === "cuda" ? createMachineTemplate() : undefined;

/** Where a pool's tasks go: to machines of its own, or to Fargate. */
function createCapacity(pool: PoolName) {
  const size = stage.pools[pool];
  if (template) {
    const { group, provider } = createGpuMachines(pool, title(pool), size, template);
    const strategy = [{ capacityProvider: provider.name, weight: 1 }];
    return { group, providers: $output([provider.name]), strategy };
  }
  const spot = { capacityProvider: "FARGATE_SPOT", weight: 1 };
  const lasting = { capacityProvider: "FARGATE", weight: 0, base: size.onDemandBase };
  return {
    group: undefined,
    providers: $output(["FARGATE", "FARGATE_SPOT"]),
    strategy: size.onDemandBase > 0 ? [lasting, spot] : [spot],
  };
}

const capacities = poolNames.map((pool) => ({ pool, ...createCapacity(pool) }));

const providers = new aws.ecs.ClusterCapacityProviders("WorkersCapacity", {
  clusterName: cluster.name,
  capacityProviders: $resolve(capacities.map(({ providers }) => providers)).apply((names) => [
    ...new Set(names.flat()),
  ]),
});

/** A service for each pool. How many tasks it has is scaling's to say, not a deployment's. */
export const workers = capacities.map(({ pool, group, strategy }) => {
  const service = new aws.ecs.Service(
    `${title(pool)}Workers`,
    {
      name: named(`workers-${pool}`),
      cluster: cluster.arn,
      taskDefinition: createWorkerTask(pool, title(pool)).arn,
      desiredCount: stage.pools[pool].minimum,
      capacityProviderStrategies: strategy,
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
    { ignoreChanges: ["desiredCount"], dependsOn: [providers] },
  );
  return { pool, title: title(pool), group, service };
});
