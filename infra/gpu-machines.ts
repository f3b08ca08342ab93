import type { Purchase } from "../scaler/policy.ts";
import { gpuMachines } from "./machines.ts";
import { network, workerFirewall } from "./network.ts";
import { named, tags } from "./stage.ts";
import { cacheOnMachine, modelsOnMachine } from "./worker-task.ts";

/**
 * AWS's machine image with ECS's agent and the GPU driver. All machines have the same until the next
 * deployment.
 */
export const getEcsImage = () =>
  aws.ssm.getParameterOutput({
    name: "/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id",
  }).value;

/** Profile of all GPU machines. Tasks have roles of their own and cannot use it. */
export function createMachineProfile() {
  const role = new aws.iam.Role("Machine", {
    assumeRolePolicy: aws.iam.assumeRolePolicyForPrincipal({ Service: "ec2.amazonaws.com" }),
    managedPolicyArns: [
      $interpolate`arn:${aws.getPartitionOutput().partition}:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role`,
    ],
  });
  return new aws.iam.InstanceProfile("MachineProfile", { role: role.name });
}

/** Launch template of the GPU machines of one cluster. */
export function createMachineTemplate({
  title,
  noun,
  imageId,
  profile,
  cluster,
  initialization,
}: {
  readonly title: string;
  readonly noun: string;
  readonly imageId: $util.Input<string>;
  readonly profile: aws.iam.InstanceProfile;
  readonly cluster: aws.ecs.Cluster;
  /** MiB/s at which EBS copies the image's snapshot to a new disk, 100 to 300; EBS's default when absent. */
  readonly initialization?: number;
}): aws.ec2.LaunchTemplate {
  // Runs before the ECS agent starts. The agent's data in the image belongs to the machine from which the
  // image was created.
  const userData = $interpolate`#!/bin/bash
set -euo pipefail
rm -rf /var/lib/ecs/data/*
cat > /etc/ecs/ecs.config <<'CONFIG'
ECS_CLUSTER=${cluster.name}
ECS_ENABLE_GPU_SUPPORT=true
ECS_ENABLE_SPOT_INSTANCE_DRAINING=true
ECS_CONTAINER_STOP_TIMEOUT=120s
ECS_AWSVPC_BLOCK_IMDS=true
ECS_IMAGE_PULL_BEHAVIOR=prefer-cached
CONFIG
install -d -o 1000 -g 1000 -m 0755 ${modelsOnMachine} ${cacheOnMachine}
`;
  return new aws.ec2.LaunchTemplate(`${title}Template`, {
    name: named(noun),
    imageId,
    iamInstanceProfile: { arn: profile.arn },
    metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
    networkInterfaces: [
      {
        deviceIndex: 0,
        associatePublicIpAddress: "false",
        securityGroups: [workerFirewall.id],
        deleteOnTermination: "true",
      },
    ],
    blockDeviceMappings: [
      {
        deviceName: "/dev/xvda",
        // Space for image, weights and cache. High throughput, because a start reads all of them.
        ebs: {
          volumeSize: 100,
          volumeType: "gp3",
          throughput: 500,
          iops: 4000,
          encrypted: "true",
          ...(initialization === undefined ? {} : { volumeInitializationRate: initialization }),
        },
      },
    ],
    userData: userData.apply((text) => Buffer.from(text).toString("base64")),
    updateDefaultVersion: true,
    tagSpecifications: (["instance", "volume"] as const).map((resourceType) => ({
      resourceType,
      tags: { ...tags, Name: named("worker") },
    })),
  });
}

/** GPU machines of one service, scaled by its tasks to zero. */
export function createGpuMachines({
  title,
  name,
  purchase,
  maximum,
  template,
}: {
  readonly title: string;
  readonly name: string;
  readonly purchase: Purchase;
  readonly maximum: number;
  readonly template: aws.ec2.LaunchTemplate;
}): { readonly group: aws.autoscaling.Group; readonly provider: aws.ecs.CapacityProvider } {
  const group = new aws.autoscaling.Group(
    `${title}Machines`,
    {
      minSize: 0,
      maxSize: maximum,
      vpcZoneIdentifiers: network.privateSubnets,
      mixedInstancesPolicy: {
        launchTemplate: {
          launchTemplateSpecification: {
            launchTemplateId: template.id,
            version: template.latestVersion.apply(String),
          },
          overrides: Object.keys(gpuMachines).map((instanceType) => ({ instanceType })),
        },
        instancesDistribution: {
          onDemandPercentageAboveBaseCapacity: purchase === "onDemand" ? 100 : 0,
          onDemandAllocationStrategy: "prioritized",
          // Prefers types in this order, and those with a lower risk of interruption.
          spotAllocationStrategy: "capacity-optimized-prioritized",
        },
      },
      // Starts a replacement when AWS signals a rebalance recommendation.
      capacityRebalance: purchase === "spot",
      // ECS decides which machine to terminate, never one with a task.
      protectFromScaleIn: true,
      // A starting machine counts as capacity, so the metric of ECS requests no second one for its task.
      defaultInstanceWarmup: instanceWarmup,
      forceDelete: true,
      waitForCapacityTimeout: "0",
      enabledMetrics: ["GroupInServiceInstances", "GroupPendingInstances"],
      tags: Object.entries({ ...tags, AmazonECSManaged: "true", Name: name }).map(([key, value]) => ({
        key,
        value,
        propagateAtLaunch: true,
      })),
    },
    { ignoreChanges: ["desiredCapacity"] },
  );
  const provider = new aws.ecs.CapacityProvider(`${title}Capacity`, {
    name,
    autoScalingGroupProvider: {
      autoScalingGroupArn: group.arn,
      managedDraining: "ENABLED",
      managedTerminationProtection: "ENABLED",
      managedScaling: {
        status: "ENABLED",
        targetCapacity: 100,
        minimumScalingStepSize: 1,
        maximumScalingStepSize: 10,
        instanceWarmupPeriod: instanceWarmup,
      },
    },
  });
  return { group, provider };
}

/** Seconds; longer than a machine takes to register. */
const instanceWarmup = 180;
