import type { Purchase } from "../scaler/policy.ts";
import { cluster } from "./cluster.ts";
import { gpuMachines } from "./machines.ts";
import { network, workerFirewall } from "./network.ts";
import { named, tags } from "./stage.ts";
import { cacheOnMachine, modelsOnMachine } from "./worker-task.ts";

/** Launch template of all machines. Called once, and only for stages with GPUs. */
export function createMachineTemplate() {
  // Read at deployment, so all machines have the same AMI until the next deployment.
  const image = aws.ssm.getParameterOutput({
    name: "/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id",
  }).value;

  const role = new aws.iam.Role("Machine", {
    assumeRolePolicy: aws.iam.assumeRolePolicyForPrincipal({ Service: "ec2.amazonaws.com" }),
    managedPolicyArns: [
      $interpolate`arn:${aws.getPartitionOutput().partition}:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role`,
    ],
  });
  const profile = new aws.iam.InstanceProfile("MachineProfile", { role: role.name });

  // Runs before the ECS agent starts. Tasks run as user 1000 and cannot access the instance role.
  const userData = $interpolate`#!/bin/bash
set -euo pipefail
cat >> /etc/ecs/ecs.config <<'CONFIG'
ECS_CLUSTER=${cluster.name}
ECS_ENABLE_GPU_SUPPORT=true
ECS_ENABLE_SPOT_INSTANCE_DRAINING=true
ECS_CONTAINER_STOP_TIMEOUT=120s
ECS_AWSVPC_BLOCK_IMDS=true
ECS_IMAGE_PULL_BEHAVIOR=prefer-cached
CONFIG
install -d -o 1000 -g 1000 -m 0755 ${modelsOnMachine} ${cacheOnMachine}
`;

  return new aws.ec2.LaunchTemplate("MachineTemplate", {
    name: named("machine"),
    imageId: image,
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
        // Space for image and weights. High throughput, because loading weights takes much of a cold start.
        ebs: { volumeSize: 100, volumeType: "gp3", throughput: 500, iops: 4000, encrypted: "true" },
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
}): aws.ecs.CapacityProvider {
  const group = new aws.autoscaling.Group(
    `${title}Machines`,
    {
      minSize: 0,
      // One more than the workers, so that a deployment can start a new one before it stops an old one.
      maxSize: maximum + 1,
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
          // Considers the order of types and the risk of interruption.
          spotAllocationStrategy: "capacity-optimized-prioritized",
        },
      },
      // Starts a replacement when AWS signals a rebalance recommendation.
      capacityRebalance: purchase === "spot",
      // ECS decides which machine to terminate, never one with a task.
      protectFromScaleIn: true,
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
  return new aws.ecs.CapacityProvider(`${title}Capacity`, {
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
        instanceWarmupPeriod: 180,
      },
    },
  });
}
