import { expect } from "vitest";
import { z } from "zod";
import { smokeOrderSchema, smokeTiming } from "../../deployment/run-smoke-task.ts";
import { workerConfigSchema } from "../../gpu-worker/config.ts";
import { requireCardMemory } from "../../gpu-worker/gpu-memory.ts";
import { cpuWorker, gpuMachines } from "../../infra/machines.ts";
import { stageSettings, tagsOf } from "../../infra/stages.ts";
import { poolNames, pools, purchases } from "../../scaler/policy.ts";
import type { Checks, Cloud } from "./cloud.ts";
import { madeUpId } from "./host/made-up-id.ts";
import { allows } from "./iam.ts";

const queueNames = ["interactive", "learning", "bulk"] as const;
const poolOf = (name: string) => (name.startsWith("Bulk") ? "bulk" : "interactive");

const userData = (cloud: Cloud): string =>
  Buffer.from(String(cloud.one("ec2/launchTemplate").inputs.userData), "base64").toString("utf8");
const agentSettings = (cloud: Cloud): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...userData(cloud).matchAll(/^(ECS_\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  );

const providerSchema = z.object({
  autoScalingGroupArn: z.string(),
  managedDraining: z.string(),
  managedTerminationProtection: z.string(),
  managedScaling: z.object({ status: z.string(), targetCapacity: z.number() }),
});
const providers = (cloud: Cloud) =>
  cloud.all("ecs/capacityProvider").map((resource) => {
    const settings = providerSchema.parse(resource.inputs.autoScalingGroupProvider);
    return { resource, settings, group: cloud.byArn(settings.autoScalingGroupArn) };
  });

const strategySchema = z.array(z.object({ capacityProvider: z.string() })).length(1);

const firewallSchema = z.object({
  ingress: z.array(z.unknown()),
  egress: z.array(z.object({ protocol: z.string(), fromPort: z.number(), toPort: z.number() })),
});

/** With GPUs and without. */
export const workerChecks: Checks = {
  "every worker is told what gpu-worker/config.ts asks for": (cloud) => {
    expect(cloud.tasks).toHaveLength(2);
    for (const { environment, name } of cloud.tasks) {
      const config = workerConfigSchema.parse(environment);
      expect(config.VISII_BUCKET).toBe(cloud.bucket.state.id);
      expect(config.VISII_TABLE).toBe(cloud.table.state.id);
      expect(config.VISII_STAGE).toBe(cloud.stage);
      for (const queue of queueNames)
        expect(config.VISII_QUEUE_URLS[queue]).toBe(cloud.queue(queue).state.url);
      expect(config.VISII_LANES).toEqual(pools[poolOf(name)].lanes);
    }
  },
  "between them the workers serve every queue, and none twice": (cloud) => {
    const lanes = cloud.tasks.flatMap(({ environment }) => workerConfigSchema.parse(environment).VISII_LANES);
    expect(lanes.flat().sort()).toEqual([...queueNames].sort());
  },
  "a worker takes from its own queues and puts back on those alone": (cloud) => {
    for (const { environment, policy, name } of cloud.tasks) {
      const own: readonly string[] = workerConfigSchema.parse(environment).VISII_LANES.flat();
      for (const queue of queueNames)
        for (const action of ["ReceiveMessage", "ChangeMessageVisibility", "DeleteMessage", "SendMessage"])
          expect(
            allows(policy, `sqs:${action}`, cloud.queue(queue).state.arn),
            `${name} ${action} ${queue}`,
          ).toBe(own.includes(queue));
    }
  },
  "a worker reads inputs and writes results, and no upload or batch": (cloud) => {
    for (const { policy } of cloud.tasks) {
      const may = (action: string, key: string) =>
        allows(policy, `s3:${action}`, `${cloud.bucket.state.arn}/${key}`);
      for (const key of ["inputs/a/b", "instructions/a/b/state", "models/m/1/unet"])
        expect(may("GetObject", key), key).toBe(true);
      for (const key of ["results/a/b", "instructions/a/b/state"])
        expect(may("PutObject", key), key).toBe(true);
      for (const key of ["uploads/a/b", "batches/a/b", "models/m/1/unet", "inputs/a/b"])
        expect(may("PutObject", key), key).toBe(false);
      for (const key of ["inputs/a/b", "results/a/b", "models/m/1/unet"])
        expect(may("DeleteObject", key), key).toBe(false);
    }
  },
  "ECS may pull the one image and write the task's own log, and nothing else": (cloud) => {
    const repository = cloud.one("ecr/repository").state.arn;
    const logs = cloud.all("cloudwatch/logGroup");
    for (const { resource, worker } of cloud.tasks) {
      const role = cloud.byArn(resource.inputs.executionRoleArn);
      expect(role.inputs.managedPolicyArns ?? []).toEqual([]);
      const policy = cloud.policyOf(role);
      expect(allows(policy, "ecr:GetAuthorizationToken", "*")).toBe(true);
      for (const action of ["BatchCheckLayerAvailability", "GetDownloadUrlForLayer", "BatchGetImage"]) {
        expect(allows(policy, `ecr:${action}`, repository), action).toBe(true);
        expect(allows(policy, `ecr:${action}`, `${repository}-of-others`), action).toBe(false);
      }
      for (const { inputs, state } of logs)
        for (const action of ["CreateLogStream", "PutLogEvents"])
          expect(allows(policy, `logs:${action}`, `${state.arn}:log-stream:worker/worker/1`), state.id).toBe(
            inputs.name === worker.logConfiguration.options["awslogs-group"],
          );
      const actions = policy.flatMap(({ Action }) => Action).map((action) => action.split(":")[0]);
      expect(new Set(actions)).toEqual(new Set(["ecr", "logs"]));
    }
  },
  "a worker can say that it is busy, of its own cluster's tasks": (cloud) => {
    const cluster = String(cloud.one("ecs/cluster").inputs.name);
    const task = (name: string) => `arn:aws:ecs:us-east-1:123456789012:task/${name}/0123456789abcdef`;
    for (const { policy } of cloud.tasks) {
      expect(allows(policy, "ecs:UpdateTaskProtection", task(cluster))).toBe(true);
      expect(allows(policy, "ecs:UpdateTaskProtection", task("another"))).toBe(false);
    }
  },
  "a stopped worker has as long as a Spot notice lasts": (cloud) => {
    for (const { worker } of cloud.tasks) expect(worker.stopTimeout).toBe(120);
  },
  "containers are not root, gain nothing and cannot write their own file system": (cloud) => {
    for (const { model, worker } of cloud.tasks)
      for (const container of [model, worker, cloud.smoke.container]) {
        expect(container.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
        expect(container.readonlyRootFilesystem).toBe(true);
        expect(container.privileged).toBe(false);
        expect(container.linuxParameters.capabilities).toEqual({ drop: ["ALL"], add: [] });
      }
  },
  "weights are fetched by one task at a time, before the worker, which only reads them": (cloud) => {
    for (const { model, worker, environment } of cloud.tasks) {
      expect(model.command.slice(0, 2)).toEqual(["flock", "/models/.lock"]);
      expect(model.essential).toBe(false);
      expect(worker.dependsOn).toEqual([{ containerName: "model", condition: "SUCCESS" }]);
      const mount = (container: typeof model) =>
        container.mountPoints.find(({ sourceVolume }) => sourceVolume === "models");
      expect(mount(model)).toMatchObject({ containerPath: "/models", readOnly: false });
      expect(mount(worker)).toMatchObject({ containerPath: "/models", readOnly: true });
      const told = Object.fromEntries(model.environment.map(({ name, value }) => [name, value]));
      expect(told.VISII_MODEL).toBe(environment.VISII_MODEL);
      expect(`models/${environment.VISII_MODEL?.slice("/models/".length)}`).toBe(told.VISII_MODEL_SOURCE);
    }
  },
  "containers run by digest, not by a tag that moves": (cloud) => {
    for (const { model, worker } of cloud.tasks) {
      expect(worker.image).toMatch(/@sha256:[0-9a-f]{64}$/);
      expect(model.image).toBe(worker.image);
    }
  },
  "a worker that does not become ready is replaced, and has minutes to open its model": (cloud) => {
    for (const { worker, environment } of cloud.tasks) {
      expect(worker.healthCheck?.command.join(" ")).toContain(`127.0.0.1:${environment.VISII_HEALTH_PORT}`);
      expect(worker.healthCheck?.startPeriod).toBe(300);
    }
  },
  "no worker and no machine has an address of its own": (cloud) => {
    const isPrivate = (id: unknown) =>
      cloud.all("ec2/subnet").some(({ state, name }) => state.id === id && name.includes("Private"));
    for (const { inputs } of cloud.all("ecs/service")) {
      const { assignPublicIp, subnets } = z
        .object({ assignPublicIp: z.boolean(), subnets: z.array(z.string()) })
        .parse(inputs.networkConfiguration);
      expect(assignPublicIp).toBe(false);
      expect(subnets.length).toBe(2);
      expect(subnets.every(isPrivate)).toBe(true);
    }
    for (const { inputs } of cloud.all("autoscaling/group"))
      expect((inputs.vpcZoneIdentifiers as string[]).every(isPrivate)).toBe(true);
    for (const { inputs } of cloud.all("ec2/launchTemplate"))
      expect(inputs.networkInterfaces).toMatchObject([{ associatePublicIpAddress: "false" }]);
    for (const { inputs, name } of cloud.all("ec2/subnet"))
      if (name.includes("Private")) expect(inputs.mapPublicIpOnLaunch ?? false).toBe(false);
  },
  "workers call AWS by HTTPS and are called by nobody": (cloud) => {
    const firewall = cloud.one("ec2/securityGroup", "WorkerFirewall");
    const { ingress, egress } = firewallSchema.parse(firewall.inputs);
    expect(ingress).toEqual([]);
    expect(egress).toEqual([expect.objectContaining({ protocol: "tcp", fromPort: 443, toPort: 443 })]);
    for (const { inputs } of cloud.all("ecs/service"))
      expect(inputs.networkConfiguration).toMatchObject({ securityGroups: [firewall.state.id] });
  },
  "weights and rows come past the gateway that is paid by the gigabyte": (cloud) => {
    const endpoints = cloud.all("ec2/vpcEndpoint");
    expect(endpoints.map(({ inputs }) => inputs.serviceName).sort()).toEqual([
      "com.amazonaws.us-east-1.dynamodb",
      "com.amazonaws.us-east-1.s3",
    ]);
    const tables = cloud.all("ec2/routeTable").filter(({ name }) => name.includes("Private"));
    for (const { inputs } of endpoints)
      expect([...(inputs.routeTableIds as string[])].sort()).toEqual(
        tables.map(({ state }) => state.id).sort(),
      );
  },
  "every instance answers version 2 of its metadata service only": (cloud) => {
    const options = [...cloud.all("ec2/launchTemplate"), ...cloud.all("ec2/instance")];
    for (const { inputs, name } of options)
      expect(inputs.metadataOptions, name).toMatchObject({ httpTokens: "required" });
    // There is something to look at on every stage: machines with GPUs, or the small NAT.
    if (stageSettings(cloud.stage).device === "cuda" || stageSettings(cloud.stage).nat === "ec2")
      expect(options.length).toBeGreaterThan(0);
  },
  "one resource owns the cluster's capacity, and knows what the services ask for": (cloud) => {
    const { capacityProviders } = z
      .object({ capacityProviders: z.array(z.string()) })
      .parse(cloud.one("ecs/clusterCapacityProviders").inputs);
    for (const { inputs } of cloud.all("ecs/service"))
      for (const { capacityProvider } of inputs.capacityProviderStrategies as { capacityProvider: string }[])
        expect(capacityProviders).toContain(capacityProvider);
  },
  "a deployment runs the new image once before it changes a worker": (cloud) => {
    const run = cloud.one("lambda/invocation");
    const { resource, container } = cloud.smoke;
    const [worker] = cloud.tasks;
    expect(run.inputs.functionName).toBe(cloud.lambda("Smoke").resource.state.id);
    expect(run.inputs.triggers).toEqual({ image: worker!.worker.image });
    const order = smokeOrderSchema.parse(JSON.parse(String(run.inputs.input)));
    expect(order.taskDefinition).toBe(resource.state.arn);
    expect(cloud.service("interactive", "onDemand").inputs.capacityProviderStrategies).toEqual([
      { capacityProvider: order.capacityProvider, weight: 1 },
    ]);
    expect(container.image).toBe(worker!.worker.image);
    expect(container.command).toEqual(["node", "smoke.mjs", "."]);
    expect(container.resourceRequirements).toEqual(worker!.worker.resourceRequirements);
    for (const { name, value } of container.environment) expect(worker!.environment[name]).toBe(value);
    expect(resource.inputs).not.toHaveProperty("taskRoleArn");
    const { policy, resource: runner } = cloud.lambda("Smoke");
    expect(1000 * Number(runner.inputs.timeout)).toBeGreaterThan(smokeTiming.timeout);
    expect(allows(policy, "ecs:RunTask", resource.state.arn)).toBe(true);
    expect(allows(policy, "iam:PassRole", String(resource.inputs.executionRoleArn))).toBe(true);
    expect(allows(policy, "iam:PassRole", cloud.tasks[0]!.role.state.arn)).toBe(false);
    for (const { options } of cloud.all("ecs/service")) expect(options.dependsOn).toContain(run.name);
  },
  "a deployment starts a new worker first, rolls back what fails and counts nobody's workers": (cloud) => {
    for (const { inputs, options } of cloud.all("ecs/service")) {
      expect(inputs).toMatchObject({
        ...{ deploymentMinimumHealthyPercent: 100, deploymentMaximumPercent: 200 },
        deploymentCircuitBreaker: { enable: true, rollback: true },
      });
      expect(options.ignoreChanges).toContain("desiredCount");
    }
  },
};

export const gpuChecks: Checks = {
  "the worker's task really asks for a GPU": (cloud) => {
    for (const { worker, environment } of cloud.tasks) {
      expect(worker.resourceRequirements).toEqual([{ type: "GPU", value: "1" }]);
      expect(environment.VISII_DEVICE).toBe("cuda");
    }
    expect(agentSettings(cloud).ECS_ENABLE_GPU_SUPPORT).toBe("true");
  },
  "machines run the ECS image that has the driver": (cloud) => {
    expect(cloud.one("ec2/launchTemplate").inputs.imageId).toBe(
      madeUpId("ami", "/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id"),
    );
  },
  "a task fits the smallest machine it may get": (cloud) => {
    const smallest = Object.values(gpuMachines).reduce((a, b) => (b.memory < a.memory ? b : a));
    for (const { resource } of cloud.tasks) {
      expect(Number(resource.inputs.cpu)).toBeLessThan(smallest.vcpus * 1024);
      // The system and the agent take more than one GiB.
      expect(Number(resource.inputs.memory)).toBeLessThanOrEqual((smallest.memory - 1.5) * 1024);
    }
  },
  "the lanes' shares of memory fit every card that a worker may get, and both compute in half precision": (
    cloud,
  ) => {
    for (const { environment } of cloud.tasks) {
      const { VISII_LANE_MEMORY, VISII_PRECISION } = workerConfigSchema.parse(environment);
      expect(VISII_PRECISION).toBe("fp16");
      for (const [name, { gpu, gpuMemory }] of Object.entries(gpuMachines))
        expect(() =>
          requireCardMemory(
            // A card of 24 GB has 22.5 GiB.
            { name: `${gpu} of ${name}`, memory: 0.93 * gpuMemory * 2 ** 30 },
            VISII_LANE_MEMORY!.map((share) => share * 1e9),
          ),
        ).not.toThrow();
    }
  },
  "what a first worker computed from the weights lies on the machine's disk for the next": (cloud) => {
    for (const { resource, worker, environment } of cloud.tasks) {
      expect(resource.inputs.volumes).toContainEqual({ name: "cache", hostPath: "/var/lib/visii/cache" });
      expect(worker.mountPoints).toContainEqual({
        ...{ sourceVolume: "cache", containerPath: environment.VISII_CACHE, readOnly: false },
      });
    }
    expect(userData(cloud)).toMatch(/install -d -o 1000 .* \/var\/lib\/visii\/cache/);
  },
  "g6.xlarge is wanted first, and one of nine others taken where there is none": (cloud) => {
    for (const { inputs } of cloud.all("autoscaling/group")) {
      const { overrides } = z
        .object({ launchTemplate: z.object({ overrides: z.array(z.object({ instanceType: z.string() })) }) })
        .parse(inputs.mixedInstancesPolicy).launchTemplate;
      expect(overrides[0]?.instanceType).toBe("g6.xlarge");
      expect(new Set(overrides.map(({ instanceType }) => instanceType)).size).toBe(10);
      const prices = Object.values(gpuMachines).map(({ onDemand }) => onDemand);
      expect([...prices].sort((a, b) => a - b)).toEqual(prices);
    }
  },
  "each pool has machines of its own on Spot, and others on demand that come when Spot has none": (cloud) => {
    const groups = poolNames.flatMap((pool) =>
      purchases.map((purchase) => {
        const strategy = strategySchema.parse(
          cloud.service(pool, purchase).inputs.capacityProviderStrategies,
        );
        const { group } = providers(cloud).find(
          ({ resource }) => resource.state.id === strategy[0]?.capacityProvider,
        )!;
        const { instancesDistribution } = z
          .object({ instancesDistribution: z.record(z.string(), z.unknown()) })
          .parse(group.inputs.mixedInstancesPolicy);
        expect(instancesDistribution).toEqual({
          onDemandPercentageAboveBaseCapacity: purchase === "onDemand" ? 100 : 0,
          onDemandAllocationStrategy: "prioritized",
          spotAllocationStrategy: "capacity-optimized-prioritized",
        });
        expect(group.inputs.capacityRebalance).toBe(purchase === "spot");
        return group.name;
      }),
    );
    expect(new Set(groups).size).toBe(4);
  },
  "at rest there is no machine, and never more than the stage allows and one to change over": (cloud) => {
    for (const { group, resource } of providers(cloud)) {
      expect(group.inputs.minSize).toBe(0);
      expect(group.inputs.maxSize).toBe(stageSettings(cloud.stage).pools[poolOf(resource.name)].maximum + 1);
    }
  },
  "Spot machines drain when they are to go": (cloud) => {
    expect(agentSettings(cloud)).toMatchObject({
      ECS_ENABLE_SPOT_INSTANCE_DRAINING: "true",
      ECS_CONTAINER_STOP_TIMEOUT: "120s",
      ECS_CLUSTER: cloud.one("ecs/cluster").inputs.name,
    });
    for (const { settings } of providers(cloud)) expect(settings.managedDraining).toBe("ENABLED");
  },
  "ECS adds machines for tasks and never takes one with a task on it": (cloud) => {
    expect(providers(cloud)).toHaveLength(4);
    for (const { settings, group } of providers(cloud)) {
      expect(settings.managedScaling).toMatchObject({ status: "ENABLED", targetCapacity: 100 });
      expect(settings.managedTerminationProtection).toBe("ENABLED");
      expect(group.inputs.protectFromScaleIn).toBe(true);
      expect(group.inputs.tags).toContainEqual({
        ...{ key: "AmazonECSManaged", value: "true", propagateAtLaunch: true },
      });
    }
  },
  "machines and their disks, which AWS makes by itself, are tagged as the rest is": (cloud) => {
    const tags = tagsOf(cloud.stage);
    const { tagSpecifications } = z
      .object({
        tagSpecifications: z.array(
          z.object({ resourceType: z.string(), tags: z.record(z.string(), z.string()) }),
        ),
      })
      .parse(cloud.one("ec2/launchTemplate").inputs);
    expect(tagSpecifications.map(({ resourceType }) => resourceType).sort()).toEqual(["instance", "volume"]);
    for (const specification of tagSpecifications) expect(specification.tags).toMatchObject(tags);
    for (const { inputs } of cloud.all("autoscaling/group"))
      for (const [key, value] of Object.entries(tags))
        expect(inputs.tags).toContainEqual({ key, value, propagateAtLaunch: true });
  },
  "the weights lie on the machine's own encrypted disk, where later tasks find them": (cloud) => {
    const folder = "/var/lib/visii/models";
    for (const { resource } of cloud.tasks)
      expect(resource.inputs.volumes).toContainEqual({ name: "models", hostPath: folder });
    expect(userData(cloud)).toContain(`install -d -o 1000 -g 1000 -m 0755 ${folder} `);
    expect(cloud.one("ec2/launchTemplate").inputs.blockDeviceMappings).toMatchObject([
      { ebs: { encrypted: "true" } },
    ]);
  },
  "a task never sees the machine's own role": (cloud) => {
    expect(agentSettings(cloud).ECS_AWSVPC_BLOCK_IMDS).toBe("true");
    expect(cloud.one("ec2/launchTemplate").inputs.metadataOptions).toMatchObject({
      httpPutResponseHopLimit: 1,
    });
    for (const { resource } of cloud.tasks) expect(resource.inputs.networkMode).toBe("awsvpc");
  },
};

export const cpuChecks: Checks = {
  "there is no machine with a GPU, nor any to look after": (cloud) => {
    for (const type of ["ec2/launchTemplate", "autoscaling/group", "ecs/capacityProvider"])
      expect(cloud.all(type), type).toEqual([]);
  },
  "the same work runs on Fargate, on the CPU": (cloud) => {
    for (const { resource, worker, environment } of cloud.tasks) {
      expect(resource.inputs).toMatchObject({
        ...{ requiresCompatibilities: ["FARGATE"], networkMode: "awsvpc" },
        ...{ cpu: String(cpuWorker.vcpus * 1024), memory: String(cpuWorker.memory * 1024) },
      });
      expect(worker.resourceRequirements).toBeUndefined();
      const { VISII_DEVICE, VISII_THREADS, VISII_LANES } = workerConfigSchema.parse(environment);
      expect(VISII_DEVICE).toBe("cpu");
      expect(VISII_THREADS! * VISII_LANES.length).toBeLessThanOrEqual(cpuWorker.vcpus);
    }
    expect(cloud.resources.find(({ type }) => type.startsWith("docker-build:"))?.inputs.target).toBe("cpu");
  },
};
