import { type PoolName, pools } from "../scaler/policy.ts";
import { bucket } from "./bucket.ts";
import { cpuWorker } from "./machines.ts";
import { queueUrls } from "./queues.ts";
import { named, stage } from "./stage.ts";
import { table } from "./table.ts";
import { modelFolder, workerImage } from "./worker-image.ts";
import { createExecutionRole, createWorkerRole } from "./worker-role.ts";

/** Of a machine's disk: weights that a task fetched serve every later one. */
export const modelsOnMachine = "/var/lib/visii/models";
/** Beside them, what the first task computed from the weights (`VISII_CACHE`). */
export const cacheOnMachine = "/var/lib/visii/cache";
const cacheFolder = "/cache";

const healthPort = 8080;
const isGpu = stage.device === "cuda";
const region = aws.getRegionOutput().region;

/** On what workers compute. Half precision is for GPUs. */
export const deviceEnvironment = { VISII_DEVICE: stage.device, VISII_PRECISION: isGpu ? "fp16" : "fp32" };

/**
 * GB of the one card that each lane may take: what the planner reckons in half precision
 * (docs/performance.md), and some.
 */
const laneMemory: Readonly<Record<PoolName, readonly number[]>> = {
  interactive: [8, 13],
  bulk: [18],
};

/** Neither root, nor capabilities, nor a file system to write to but `/tmp` and the models. */
const confined = {
  user: "1000:1000",
  readonlyRootFilesystem: true,
  privileged: false,
  linuxParameters: { initProcessEnabled: true, capabilities: { drop: ["ALL"], add: [] } },
};

/** Of a machine with 4 vCPUs and 16 GiB the agent and the system need some. */
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

/** A container of the worker's image, with a GPU where there are any. */
export const containerOf = (name: string, log: aws.cloudwatch.LogGroup, gpu = isGpu) => ({
  ...confined,
  name,
  image: workerImage,
  logConfiguration: {
    logDriver: "awslogs",
    options: { "awslogs-group": log.name, "awslogs-region": region, "awslogs-stream-prefix": name },
  },
  // Without this line a task starts, and finds no GPU.
  ...(gpu ? { resourceRequirements: [{ type: "GPU", value: "1" }] } : {}),
});

/**
 * One worker: first `model`, which sees to it that the weights lie on the disk and are whole, one task of a
 * machine at a time; then `worker`, which only reads them.
 */
export function createWorkerTask(pool: PoolName, title: string) {
  const log = createWorkerLog(title, `worker-${pool}`);
  const { lanes } = pools[pool];
  const model = `${modelFolder}/${stage.model}`;
  const environment = (variables: Readonly<Record<string, $util.Input<string>>>) =>
    Object.entries({
      ...{ AWS_REGION: region, VISII_STAGE: $app.stage, VISII_BUCKET: bucket.name, VISII_MODEL: model },
      ...variables,
    }).map(([name, value]) => ({ name, value }));
  const folders = { models: modelFolder, cache: cacheFolder, scratch: "/tmp" };
  const mount = (name: keyof typeof folders, readOnly: boolean) => ({
    sourceVolume: name,
    containerPath: folders[name],
    readOnly,
  });
  const containers = [
    {
      ...containerOf("model", log, false),
      essential: false,
      command: ["flock", `${modelFolder}/.lock`, "node", "fetch-model.mjs"],
      environment: environment({ VISII_MODEL_SOURCE: `models/${stage.model}` }),
      mountPoints: [mount("models", false), mount("scratch", false)],
    },
    {
      ...containerOf("worker", log),
      essential: true,
      command: ["node", "main.mjs"],
      dependsOn: [{ containerName: "model", condition: "SUCCESS" }],
      environment: environment({
        VISII_TABLE: table.name,
        VISII_QUEUE_URLS: queueUrls,
        VISII_LANES: lanes.map((names) => names.join(",")).join(";"),
        ...deviceEnvironment,
        VISII_HEALTH_PORT: String(healthPort),
        ...(isGpu
          ? { VISII_LANE_MEMORY: laneMemory[pool].join(";"), VISII_CACHE: cacheFolder }
          : { VISII_THREADS: String(Math.floor(cpuWorker.vcpus / lanes.length)) }),
      }),
      mountPoints: [
        mount("models", true),
        mount("scratch", false),
        ...(isGpu ? [mount("cache", false)] : []),
      ],
      // Seconds to save a learning's state and to give the job back; as long as a Spot notice lasts.
      stopTimeout: 120,
      healthCheck: {
        command: [
          "CMD-SHELL",
          `node -e "fetch('http://127.0.0.1:${healthPort}').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"`,
        ],
        interval: 30,
        timeout: 5,
        // Opening the model on a new machine takes minutes, and counts as ill until then.
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
    volumes: isGpu
      ? [
          { name: "models", hostPath: modelsOnMachine },
          { name: "cache", hostPath: cacheOnMachine },
          { name: "scratch" },
        ]
      : [{ name: "models" }, { name: "scratch" }],
    containerDefinitions: $jsonStringify(containers),
  });
}
