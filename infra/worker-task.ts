import { type PoolName, pools } from "../scaler/policy.ts";
import { bucket } from "./bucket.ts";
import { cpuWorker } from "./machines.ts";
import { queueUrls } from "./queues.ts";
import { settlementQueue } from "./settlement-queue.ts";
import { named, stage } from "./stage.ts";
import { table } from "./table.ts";
import { modelFolder, workerImage } from "./worker-image.ts";
import { createExecutionRole, createWorkerRole } from "./worker-role.ts";

/** Folders on a machine's disk, shared by its tasks: weights, and data derived from them (`VISII_CACHE`). */
export const modelsOnMachine = "/var/lib/visii/models";
export const cacheOnMachine = "/var/lib/visii/cache";

/** Mount points of the volumes. */
export const workerFolders = { models: modelFolder, cache: "/cache", scratch: "/tmp" } as const;
type Volume = keyof typeof workerFolders;

const healthPort = 8080;
const isGpu = stage.device === "cuda";
const region = aws.getRegionOutput().region;

/** Half precision on GPUs. */
export const deviceEnvironment = { VISII_DEVICE: stage.device, VISII_PRECISION: isGpu ? "fp16" : "fp32" };

/** GB of GPU memory per lane: the planner's estimate in half precision (docs/performance.md) and a margin. */
const laneMemory: Readonly<Record<PoolName, readonly number[]>> = {
  interactive: [8, 13],
  bulk: [18],
};

/**
 * Containers run without root, capabilities and a writable root file system, and without ECS's init process: its
 * environment, with the way to the task's credentials, would be readable by the decoder (gpu-worker/Dockerfile).
 */
const confined = {
  user: "1000:1000",
  readonlyRootFilesystem: true,
  privileged: false,
  linuxParameters: { initProcessEnabled: false, capabilities: { drop: ["ALL"], add: [] } },
};

/** Leaves room for the system and ECS's agent on a machine with 4 vCPUs and 16 GiB. */
export const taskSize = {
  networkMode: "awsvpc",
  requiresCompatibilities: [isGpu ? "EC2" : "FARGATE"],
  ...(isGpu
    ? { cpu: "3584", memory: "14336" }
    : {
        cpu: String(cpuWorker.vcpus * 1024),
        memory: String(cpuWorker.memory * 1024),
        ephemeralStorage: { sizeInGib: 50 },
      }),
  runtimePlatform: { cpuArchitecture: "X86_64", operatingSystemFamily: "LINUX" },
};

export const createWorkerLog = (title: string, name: string) =>
  new aws.cloudwatch.LogGroup(`${title}Log`, {
    name: `/${$app.name}/${$app.stage}/${name}`,
    retentionInDays: stage.logDays,
  });

/** A container of the worker image, with the GPU if requested. */
export const containerOf = (name: string, log: aws.cloudwatch.LogGroup, gpu = isGpu) => ({
  ...confined,
  name,
  image: workerImage,
  logConfiguration: {
    logDriver: "awslogs",
    options: { "awslogs-group": log.name, "awslogs-region": region, "awslogs-stream-prefix": name },
  },
  // Without this requirement, a task starts without a GPU.
  ...(gpu ? { resourceRequirements: [{ type: "GPU", value: "1" }] } : {}),
});

/** Environment variables of a container, with those that all have. */
export const environmentOf = (variables: Readonly<Record<string, $util.Input<string>>>) =>
  Object.entries({
    AWS_REGION: region,
    VISII_STAGE: $app.stage,
    VISII_BUCKET: bucket.name,
    VISII_MODEL: `${modelFolder}/${stage.model}`,
    ...variables,
  }).map(([name, value]) => ({ name, value }));

export const mountsOf = (access: Readonly<Partial<Record<Volume, "read" | "write">>>) =>
  Object.entries(access).map(([name, mode]) => ({
    sourceVolume: name,
    containerPath: workerFolders[name as Volume],
    readOnly: mode === "read",
  }));

/** On GPU machines, weights and cache are kept after a task ends. */
export const taskVolumes = isGpu
  ? [
      { name: "models", hostPath: modelsOnMachine },
      { name: "cache", hostPath: cacheOnMachine },
      { name: "scratch" },
    ]
  : [{ name: "models" }, { name: "scratch" }];

/**
 * Task of one worker. The container `model` downloads the weights unless they are on the disk, one task of a
 * machine at a time. Then `worker` starts and only reads them.
 */
export function createWorkerTask(pool: PoolName, title: string) {
  const log = createWorkerLog(title, `worker-${pool}`);
  const { lanes } = pools[pool];
  const containers = [
    {
      ...containerOf("model", log, false),
      essential: false,
      command: ["flock", `${modelFolder}/.lock`, "node", "fetch-model.mjs"],
      environment: environmentOf({ VISII_MODEL_SOURCE: `models/${stage.model}` }),
      mountPoints: mountsOf({ models: "write", scratch: "write" }),
    },
    {
      ...containerOf("worker", log),
      essential: true,
      command: ["node", "main.mjs"],
      dependsOn: [{ containerName: "model", condition: "SUCCESS" }],
      environment: environmentOf({
        VISII_TABLE: table.name,
        VISII_QUEUE_URLS: queueUrls,
        VISII_SETTLEMENT_QUEUE_URL: settlementQueue.url,
        VISII_LANES: lanes.map((names) => names.join(",")).join(";"),
        ...deviceEnvironment,
        VISII_HEALTH_PORT: String(healthPort),
        ...(isGpu
          ? { VISII_LANE_MEMORY: laneMemory[pool].join(";"), VISII_CACHE: workerFolders.cache }
          : { VISII_THREADS: String(Math.floor(cpuWorker.vcpus / lanes.length)) }),
      }),
      mountPoints: mountsOf({ models: "read", scratch: "write", ...(isGpu ? { cache: "write" } : {}) }),
      // Seconds to save a checkpoint and return the job; a Spot interruption notice gives two minutes.
      stopTimeout: 120,
      healthCheck: {
        command: [
          "CMD-SHELL",
          `node -e "fetch('http://127.0.0.1:${healthPort}').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"`,
        ],
        interval: 30,
        timeout: 5,
        // Failures are ignored while a new machine downloads and opens the model.
        startPeriod: 300,
        retries: 10,
      },
    },
  ];
  return new aws.ecs.TaskDefinition(`${title}Task`, {
    family: named(`worker-${pool}`),
    ...taskSize,
    executionRoleArn: createExecutionRole(title, log).arn,
    taskRoleArn: createWorkerRole(pool, title).arn,
    volumes: taskVolumes,
    containerDefinitions: $jsonStringify(containers),
  });
}
