import { expect } from "vitest";
import { z } from "zod";
import { smokeOrderSchema, smokeTiming } from "../../deployment/run-smoke-task.ts";
import { workerConfigSchema } from "../../gpu-worker/config.ts";
import { requireCardMemory } from "../../gpu-worker/gpu-memory.ts";
import { cpuWorker, gpuMachines } from "../../infra/machines.ts";
import { startSpread } from "../../infra/simulation/assumptions.ts";
import { stageSettings, tagsOf } from "../../infra/stages.ts";
import { poolNames, pools, purchases } from "../../scaler/policy.ts";
import { workerTimes } from "../../scaler/worker-times.ts";
import type { Checks, Cloud, Container } from "./cloud.ts";
import { madeUpId } from "./host/made-up-id.ts";
import { smokeResult } from "./host/mocked-aws.ts";
import { allows } from "./iam.ts";
import { requireKnownDistribution } from "./machine-distribution.ts";

const queueNames = ["interactive", "learning", "bulk"] as const;
const poolOf = (name: string) => (name.startsWith("Bulk") ? "bulk" : "interactive");
/** Launch templates: the builder's and the workers'. */
const templates = ["BuilderTemplate", "MachineTemplate"] as const;

const userData = (cloud: Cloud, template: string): string =>
  Buffer.from(String(cloud.one("ec2/launchTemplate", template).inputs.userData), "base64").toString("utf8");
const agentSettings = (cloud: Cloud, template: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...userData(cloud, template).matchAll(/^(ECS_\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  );

const providerSchema = z.object({
  autoScalingGroupArn: z.string(),
  managedDraining: z.string(),
  managedTerminationProtection: z.string(),
  managedScaling: z.object({
    status: z.string(),
    targetCapacity: z.number(),
    instanceWarmupPeriod: z.number(),
  }),
});
const providers = (cloud: Cloud) =>
  cloud.all("ecs/capacityProvider").map((resource) => {
    const settings = providerSchema.parse(resource.inputs.autoScalingGroupProvider);
    return { resource, settings, group: cloud.byArn(settings.autoScalingGroupArn) };
  });

const ecsImage = madeUpId("ami", "/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id");
const strategySchema = z.array(z.object({ capacityProvider: z.string() })).length(1);

const firewallSchema = z.object({
  ingress: z.array(z.unknown()),
  egress: z.array(z.object({ protocol: z.string(), fromPort: z.number(), toPort: z.number() })),
});

/** For all stages. */
export const workerChecks: Checks = {
  "every worker has the environment variables of gpu-worker/config.ts": (cloud) => {
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
  "each queue is served by exactly one pool": (cloud) => {
    const lanes = cloud.tasks.flatMap(({ environment }) => workerConfigSchema.parse(environment).VISII_LANES);
    expect(lanes.flat().sort()).toEqual([...queueNames].sort());
  },
  "a worker uses only its own queues": (cloud) => {
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
  "a worker reads inputs and writes results, but no uploads, batches or models": (cloud) => {
    for (const { policy } of cloud.tasks) {
      const may = (action: string, key: string) =>
        allows(policy, `s3:${action}`, `${cloud.bucket.state.arn}/${key}`);
      for (const key of ["inputs/a/b", "normalized/a/b.png", "instructions/a/b/state", "models/m/1/unet"])
        expect(may("GetObject", key), key).toBe(true);
      for (const key of ["results/a/b", "normalized/a/b.png", "instructions/a/b/state"])
        expect(may("PutObject", key), key).toBe(true);
      for (const key of ["uploads/a/b", "batches/a/b", "models/m/1/unet", "inputs/a/b"])
        expect(may("PutObject", key), key).toBe(false);
      const keys = ["inputs/a/b", "normalized/a/b.png", "results/a/b", "models/m/1/unet"];
      expect(keys.filter((key) => may("DeleteObject", key))).toEqual(["normalized/a/b.png"]);
    }
  },
  "the execution role pulls one image and writes one log": (cloud) => {
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
  "a worker can protect the tasks of its own cluster only": (cloud) => {
    const cluster = String(cloud.one("ecs/cluster", "Workers").inputs.name);
    const task = (name: string) => `arn:aws:ecs:us-east-1:123456789012:task/${name}/0123456789abcdef`;
    for (const { policy } of cloud.tasks) {
      expect(allows(policy, "ecs:UpdateTaskProtection", task(cluster))).toBe(true);
      expect(allows(policy, "ecs:UpdateTaskProtection", task("another"))).toBe(false);
    }
  },
  "a stopped worker has two minutes, as long as a Spot notice": (cloud) => {
    for (const { worker } of cloud.tasks) expect(worker.stopTimeout).toBe(120);
  },
  "containers run without root, capabilities and a writable root file system": (cloud) => {
    const { container: smoke, model: download } = cloud.smoke;
    for (const { model, worker } of cloud.tasks)
      for (const container of [model, worker, smoke, ...(download ? [download] : [])]) {
        expect(container.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
        expect(container).toMatchObject({ readonlyRootFilesystem: true, privileged: false });
        const capabilities = { drop: ["ALL"], add: [] };
        expect(container.linuxParameters).toEqual({ initProcessEnabled: false, capabilities });
      }
  },
  "weights are downloaded by one task at a time, before the worker, which only reads them": (cloud) => {
    for (const { model, worker, environment } of cloud.tasks) {
      expect(model.command.slice(0, 2)).toEqual(["flock", "/models/.lock"]);
      expect(model.essential).toBe(false);
      expect(worker.dependsOn).toEqual([{ containerName: "model", condition: "SUCCESS" }]);
      const mount = (container: typeof model) =>
        container.mountPoints.find(({ sourceVolume }) => sourceVolume === "models");
      expect(mount(model)).toMatchObject({ containerPath: "/models", readOnly: false });
      expect(mount(worker)).toMatchObject({ containerPath: "/models", readOnly: true });
      const variables = Object.fromEntries(model.environment.map(({ name, value }) => [name, value]));
      expect(variables.VISII_MODEL).toBe(environment.VISII_MODEL);
      expect(`models/${environment.VISII_MODEL?.slice("/models/".length)}`).toBe(
        variables.VISII_MODEL_SOURCE,
      );
    }
  },
  "containers run an image by digest": (cloud) => {
    for (const { model, worker } of cloud.tasks) {
      expect(worker.image).toMatch(/@sha256:[0-9a-f]{64}$/);
      expect(model.image).toBe(worker.image);
    }
  },
  "an unhealthy worker is replaced, after five minutes to start": (cloud) => {
    for (const { worker, environment } of cloud.tasks) {
      expect(worker.healthCheck?.command.join(" ")).toContain(`127.0.0.1:${environment.VISII_HEALTH_PORT}`);
      expect(worker.healthCheck?.startPeriod).toBe(300);
    }
  },
  "workers and machines have no public address": (cloud) => {
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
  "workers have only outgoing HTTPS": (cloud) => {
    const firewall = cloud.one("ec2/securityGroup", "WorkerFirewall");
    const { ingress, egress } = firewallSchema.parse(firewall.inputs);
    expect(ingress).toEqual([]);
    expect(egress).toEqual([expect.objectContaining({ protocol: "tcp", fromPort: 443, toPort: 443 })]);
    for (const { inputs } of cloud.all("ecs/service"))
      expect(inputs.networkConfiguration).toMatchObject({ securityGroups: [firewall.state.id] });
  },
  "S3 and DynamoDB are reached through gateway endpoints": (cloud) => {
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
  "every instance requires version 2 of the metadata service": (cloud) => {
    const options = [...cloud.all("ec2/launchTemplate"), ...cloud.all("ec2/instance")];
    for (const { inputs, name } of options)
      expect(inputs.metadataOptions, name).toMatchObject({ httpTokens: "required" });
    if (stageSettings(cloud.stage).device === "cuda" || stageSettings(cloud.stage).nat === "ec2")
      expect(options.length).toBeGreaterThan(0);
  },
  "each cluster has the capacity providers that its services use": (cloud) => {
    const all = cloud.all("ecs/clusterCapacityProviders").map(({ inputs }) => inputs);
    expect(new Set(all.map(({ clusterName }) => clusterName)).size).toBe(all.length);
    const { capacityProviders } = z
      .object({ capacityProviders: z.array(z.string()) })
      .parse(cloud.one("ecs/clusterCapacityProviders", "WorkersCapacity").inputs);
    for (const { inputs } of cloud.all("ecs/service"))
      for (const { capacityProvider } of inputs.capacityProviderStrategies as { capacityProvider: string }[])
        expect(capacityProviders).toContain(capacityProvider);
  },
  "a deployment runs the new image once before it replaces workers": (cloud) => {
    const run = cloud.one("lambda/invocation");
    const { resource, container } = cloud.smoke;
    const [worker] = cloud.tasks;
    const isGpu = stageSettings(cloud.stage).device === "cuda";
    expect(run.inputs.functionName).toBe(cloud.lambda("Smoke").resource.state.id);
    expect(run.inputs.triggers).toEqual({
      image: worker!.worker.image,
      ...(isGpu
        ? { machineImage: ecsImage, model: `models/${stageSettings(cloud.stage).model}/manifest.json` }
        : {}),
    });
    const order = smokeOrderSchema.parse(JSON.parse(String(run.inputs.input)));
    expect(order.taskDefinition).toBe(resource.state.arn);
    // On demand, so that a deployment does not wait for Spot.
    expect(order.capacityProvider).toBe(
      isGpu ? cloud.one("ecs/capacityProvider", "BuilderCapacity").state.id : "FARGATE",
    );
    expect(cloud.one("ecs/clusterCapacityProviders", "SmokeCapacity").inputs).toMatchObject({
      clusterName: cloud.byArn(order.cluster).state.id,
      capacityProviders: [order.capacityProvider],
    });
    expect(container.image).toBe(worker!.worker.image);
    expect(container.command).toEqual(["node", "smoke.mjs", "."]);
    expect(container.resourceRequirements).toEqual(worker!.worker.resourceRequirements);
    for (const { name, value } of container.environment) expect(worker!.environment[name]).toBe(value);
    if (isGpu) {
      const rights = cloud.policyOf(cloud.byArn(resource.inputs.taskRoleArn));
      expect(new Set(rights.flatMap(({ Action }) => Action))).toEqual(
        new Set(["s3:ListBucket", "s3:GetObject"]),
      );
      const reads = (key: string) => allows(rights, "s3:GetObject", `${cloud.bucket.state.arn}/${key}`);
      expect([reads("models/m/1/unet"), reads("inputs/a/b")]).toEqual([true, false]);
    } else expect(resource.inputs).not.toHaveProperty("taskRoleArn");
    const { policy, resource: runner } = cloud.lambda("Smoke");
    expect(1000 * Number(runner.inputs.timeout)).toBeGreaterThan(smokeTiming.timeout);
    expect(allows(policy, "ecs:RunTask", resource.state.arn)).toBe(true);
    expect(allows(policy, "iam:PassRole", String(resource.inputs.executionRoleArn))).toBe(true);
    expect(allows(policy, "iam:PassRole", cloud.tasks[0]!.role.state.arn)).toBe(false);
    for (const { options } of cloud.all("ecs/service")) expect(options.dependsOn).toContain(run.name);
    const instance = "arn:aws:ecs:us-east-1:123456789012:container-instance";
    const own = String(cloud.byArn(order.cluster).state.id);
    expect(allows(policy, "ecs:DescribeContainerInstances", `${instance}/${own}/0123`)).toBe(true);
    expect(allows(policy, "ecs:DescribeContainerInstances", `${instance}/another/0123`)).toBe(false);
  },
  "a deployment starts a new worker first, rolls back failures, and keeps the number of workers": (cloud) => {
    for (const { inputs, options } of cloud.all("ecs/service")) {
      expect(inputs).toMatchObject({
        deploymentMinimumHealthyPercent: 100,
        deploymentMaximumPercent: 200,
        deploymentCircuitBreaker: { enable: true, rollback: true },
      });
      expect(options.ignoreChanges).toContain("desiredCount");
    }
  },
};

export const gpuChecks: Checks = {
  "the worker's task requires a GPU": (cloud) => {
    for (const { worker, environment } of cloud.tasks) {
      expect(worker.resourceRequirements).toEqual([{ type: "GPU", value: "1" }]);
      expect(environment.VISII_DEVICE).toBe("cuda");
    }
    for (const template of templates)
      expect(agentSettings(cloud, template).ECS_ENABLE_GPU_SUPPORT).toBe("true");
  },
  "the builder runs AWS's machine image with the GPU driver": (cloud) => {
    expect(cloud.one("ec2/launchTemplate", "BuilderTemplate").inputs.imageId).toBe(ecsImage);
  },
  "workers' machines start from an image of the builder after its smoke run": (cloud) => {
    const image = cloud.one("ec2/amiFromInstance");
    expect(image.inputs.sourceInstanceId).toBe(smokeResult.instanceId);
    expect(String(image.inputs.name)).toContain(smokeResult.taskId);
    const template = cloud.one("ec2/launchTemplate", "MachineTemplate").inputs;
    expect(template.imageId).toBe(image.state.id);
    expect(template.blockDeviceMappings).toMatchObject([{ ebs: { volumeInitializationRate: 300 } }]);
    // The builder's identity in ECS must not be used by its copies.
    expect(userData(cloud, "MachineTemplate")).toContain("rm -rf /var/lib/ecs/data/*");
    expect(agentSettings(cloud, "MachineTemplate").ECS_IMAGE_PULL_BEHAVIOR).toBe("prefer-cached");
    for (const { group } of providers(cloud).filter(({ resource }) => resource.name !== "BuilderCapacity")) {
      const { launchTemplate } = z
        .object({
          launchTemplate: z.object({ launchTemplateSpecification: z.record(z.string(), z.string()) }),
        })
        .parse(group.inputs.mixedInstancesPolicy);
      expect(launchTemplate.launchTemplateSpecification.launchTemplateId).toBe(
        cloud.one("ec2/launchTemplate", "MachineTemplate").state.id,
      );
    }
  },
  "the smoke run downloads the weights and fills the cache, where workers look for them": (cloud) => {
    const { resource, container, model } = cloud.smoke;
    const [task] = cloud.tasks;
    expect(model?.essential).toBe(false);
    expect(container.dependsOn).toEqual([{ containerName: "model", condition: "COMPLETE" }]);
    const shared = (volumes: unknown) =>
      z
        .array(z.object({ name: z.string(), hostPath: z.string().optional() }))
        .parse(volumes)
        .filter(({ hostPath }) => hostPath);
    expect(shared(resource.inputs.volumes)).toEqual(shared(task!.resource.inputs.volumes));
    const variables = (each: Container) =>
      Object.fromEntries(each.environment.map(({ name, value }) => [name, value]));
    expect(variables(container)).toMatchObject({
      VISII_MODEL: task!.environment.VISII_MODEL,
      VISII_CACHE: task!.environment.VISII_CACHE,
    });
    expect(variables(model!)).toEqual(variables(task!.model));
    const place = (each: Container, name: string) =>
      each.mountPoints.find(({ sourceVolume }) => sourceVolume === name);
    expect(place(model!, "models")).toEqual(place(task!.model, "models"));
    for (const name of ["models", "cache"]) expect(place(container, name)).toEqual(place(task!.worker, name));
  },
  "a task fits the smallest machine type": (cloud) => {
    const smallest = Object.values(gpuMachines).reduce((a, b) => (b.memory < a.memory ? b : a));
    for (const { resource } of cloud.tasks) {
      expect(Number(resource.inputs.cpu)).toBeLessThan(smallest.vcpus * 1024);
      expect(Number(resource.inputs.memory)).toBeLessThanOrEqual((smallest.memory - 1.5) * 1024);
    }
  },
  "the lanes' memory fits every GPU type, in half precision": (cloud) => {
    for (const { environment } of cloud.tasks) {
      const { VISII_LANE_MEMORY, VISII_PRECISION } = workerConfigSchema.parse(environment);
      expect(VISII_PRECISION).toBe("fp16");
      for (const [name, { gpu, gpuMemory }] of Object.entries(gpuMachines))
        expect(() =>
          requireCardMemory(
            // A GPU with 24 GB has 22.5 GiB.
            { name: `${gpu} of ${name}`, memory: 0.93 * gpuMemory * 2 ** 30 },
            VISII_LANE_MEMORY!.map((share) => share * 1e9),
          ),
        ).not.toThrow();
    }
  },
  "the cache is on the machine's disk": (cloud) => {
    for (const { resource, worker, environment } of cloud.tasks) {
      expect(resource.inputs.volumes).toContainEqual({ name: "cache", hostPath: "/var/lib/visii/cache" });
      expect(worker.mountPoints).toContainEqual({
        sourceVolume: "cache",
        containerPath: environment.VISII_CACHE,
        readOnly: false,
      });
    }
    for (const template of templates)
      expect(userData(cloud, template)).toMatch(/install -d -o 1000 .* \/var\/lib\/visii\/cache/);
  },
  "ten machine types are used in order of price, g6.xlarge first": (cloud) => {
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
  "each pool has its own Spot machines and its own on-demand machines": (cloud) => {
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
        const { onDemandPercentageAboveBaseCapacity: share } = instancesDistribution;
        expect(share).toBe(purchase === "onDemand" ? 100 : 0);
        expect(group.inputs.capacityRebalance).toBe(purchase === "spot");
        expect(group.name).toBe(cloud.group(pool, purchase)?.name);
        return group.name;
      }),
    );
    expect(new Set(groups).size).toBe(4);
    // Also of the builder's machine, which belongs to no pool.
    cloud.all("autoscaling/group").forEach(requireKnownDistribution);
  },
  "groups scale from zero to one more machine than the stage's maximum of workers": (cloud) => {
    for (const { group, resource } of providers(cloud)) {
      expect(group.inputs.minSize).toBe(0);
      expect(group.inputs.maxSize).toBe(
        resource.name === "BuilderCapacity"
          ? 1
          : stageSettings(cloud.stage).pools[poolOf(resource.name)].maximum + 1,
      );
    }
  },
  "Spot machines drain after an interruption notice": (cloud) => {
    expect(agentSettings(cloud, "MachineTemplate")).toMatchObject({
      ECS_ENABLE_SPOT_INSTANCE_DRAINING: "true",
      ECS_CONTAINER_STOP_TIMEOUT: "120s",
      ECS_CLUSTER: cloud.one("ecs/cluster", "Workers").inputs.name,
    });
    for (const { settings } of providers(cloud)) expect(settings.managedDraining).toBe("ENABLED");
  },
  "ECS adds machines for tasks and never terminates one with a task": (cloud) => {
    expect(providers(cloud)).toHaveLength(5);
    for (const { settings, group } of providers(cloud)) {
      expect(settings.managedScaling).toMatchObject({ status: "ENABLED", targetCapacity: 100 });
      expect(settings.managedTerminationProtection).toBe("ENABLED");
      expect(group.inputs.protectFromScaleIn).toBe(true);
      // Longer than a machine takes to register, so that ECS requests no second machine for a task.
      const { machineIsRequested, machineBoots } = workerTimes;
      const slowest = (1 + startSpread) * (machineIsRequested.seconds + machineBoots.seconds);
      expect(Number(group.inputs.defaultInstanceWarmup)).toBeGreaterThan(slowest);
      expect(settings.managedScaling.instanceWarmupPeriod).toBe(group.inputs.defaultInstanceWarmup);
      expect(group.inputs.tags).toContainEqual({
        key: "AmazonECSManaged",
        value: "true",
        propagateAtLaunch: true,
      });
    }
  },
  "machines and their disks are tagged": (cloud) => {
    const tags = tagsOf(cloud.stage);
    for (const template of templates) {
      const { tagSpecifications } = z
        .object({
          tagSpecifications: z.array(
            z.object({ resourceType: z.string(), tags: z.record(z.string(), z.string()) }),
          ),
        })
        .parse(cloud.one("ec2/launchTemplate", template).inputs);
      expect(tagSpecifications.map(({ resourceType }) => resourceType).sort()).toEqual([
        "instance",
        "volume",
      ]);
      for (const specification of tagSpecifications) expect(specification.tags).toMatchObject(tags);
    }
    for (const { inputs } of cloud.all("autoscaling/group"))
      for (const [key, value] of Object.entries(tags))
        expect(inputs.tags).toContainEqual({ key, value, propagateAtLaunch: true });
  },
  "the weights are on the machine's encrypted disk": (cloud) => {
    const folder = "/var/lib/visii/models";
    for (const { resource } of cloud.tasks)
      expect(resource.inputs.volumes).toContainEqual({ name: "models", hostPath: folder });
    for (const template of templates) {
      expect(userData(cloud, template)).toContain(`install -d -o 1000 -g 1000 -m 0755 ${folder} `);
      expect(cloud.one("ec2/launchTemplate", template).inputs.blockDeviceMappings).toMatchObject([
        { ebs: { encrypted: "true" } },
      ]);
    }
  },
  "tasks cannot use the machine's role": (cloud) => {
    for (const template of templates) {
      expect(agentSettings(cloud, template).ECS_AWSVPC_BLOCK_IMDS).toBe("true");
      expect(cloud.one("ec2/launchTemplate", template).inputs.metadataOptions).toMatchObject({
        httpPutResponseHopLimit: 1,
      });
    }
    for (const { resource } of cloud.tasks) expect(resource.inputs.networkMode).toBe("awsvpc");
  },
};

export const cpuChecks: Checks = {
  "there are no machines": (cloud) => {
    for (const type of ["ec2/launchTemplate", "autoscaling/group", "ecs/capacityProvider"])
      expect(cloud.all(type), type).toEqual([]);
  },
  "workers run on Fargate": (cloud) => {
    for (const { resource, worker, environment } of cloud.tasks) {
      expect(resource.inputs).toMatchObject({
        requiresCompatibilities: ["FARGATE"],
        networkMode: "awsvpc",
        cpu: String(cpuWorker.vcpus * 1024),
        memory: String(cpuWorker.memory * 1024),
      });
      expect(worker.resourceRequirements).toBeUndefined();
      const { VISII_DEVICE, VISII_THREADS, VISII_LANES } = workerConfigSchema.parse(environment);
      expect(VISII_DEVICE).toBe("cpu");
      expect(VISII_THREADS! * VISII_LANES.length).toBeLessThanOrEqual(cpuWorker.vcpus);
    }
    expect(cloud.resources.find(({ type }) => type.startsWith("docker-build:"))?.inputs.target).toBe("cpu");
  },
};
