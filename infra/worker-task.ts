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

const healthPort = 8080;
const isGpu = stage.device === "cuda";
const region = aws.getRegionOutput().region;

/** Neither root, nor capabilities, nor a file system to write to but `/tmp` and the models. */
const confined = {
  user: "1000:1000",
  readonlyRootFilesystem: true,
  privileged: false,
  linuxParameters: { initProcessEnabled: true, capabilities: { drop: ["ALL"], add: [] } },
};

/**
 * One worker: first `model`, which sees to it that the weights lie on the disk and are whole, one task of a machine at a time;
 * then `worker`, which only reads them.
 */
export function createWorkerTask(pool: PoolName, title: string) {
  const log = new aws.cloudwatch.LogGroup(`${title}Log`, {
    name: `/${$app.name}/${$app.stage}/worker-${pool}`,
    retentionInDays: stage.logDays,
  });
  const { lanes } = pools[pool];
  const model = `${modelFolder}/${stage.model}`;
  const environment = (variables: Readonly<Record<string, $util.Input<string>>>) =>
    Object.entries({
      ...{ AWS_REGION: region, VISII_STAGE: $app.stage, VISII_BUCKET: bucket.name, VISII_MODEL: model },
      ...variables,
    }).map(([name, value]) => ({ name, value }));
  const shared = (name: string) => ({
    ...confined,
    image: workerImage,
    logConfiguration: {
      logDriver: "awslogs",
      options: { "awslogs-group": log.name, "awslogs-region": region, "awslogs-stream-prefix": name },
    },
  });
  const mount = (name: "models" | "scratch", readOnly: boolean) => ({
    sourceVolume: name,
    containerPath: name === "models" ? modelFolder : "/tmp",
    readOnly,
  });
  const containers = [
    {
      name: "model",
      ...shared("model"),
      essential: false,
      command: ["flock", `${modelFolder}/.lock`, "node", "fetch-model.mjs"],
      environment: environment({ VISII_MODEL_SOURCE: `models/${stage.model}` }),
      mountPoints: [mount("models", false), mount("scratch", false)],
    },
    {
      name: "worker",
      ...shared("worker"),
      essential: true,
      command: ["node", "main.mjs"],
      dependsOn: [{ containerName: "model", condition: "SUCCESS" }],
      environment: environment({
        VISII_TABLE: table.name,
        VISII_QUEUE_URLS: queueUrls,
        VISII_LANES: lanes.map((names) => names.join(",")).join(";"),
        VISII_DEVICE: stage.device,
        VISII_HEALTH_PORT: String(healthPort),
        ...(isGpu ? {} : { VISII_THREADS: String(Math.floor(cpuWorker.vcpus / lanes.length)) }),
      }),
      mountPoints: [mount("models", true), mount("scratch", false)],
      // Without this line a task starts, and finds no GPU.
      ...(isGpu ? { resourceRequirements: [{ type: "GPU", value: "1" }] } : {}),
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
    networkMode: "awsvpc",
    requiresCompatibilities: [isGpu ? "EC2" : "FARGATE"],
    // Of a machine with 4 vCPUs and 16 GiB the agent and the system need some.
    ...(isGpu
      ? { cpu: "3584", memory: "14336" }
      : {
          cpu: String(cpuWorker.vcpus * 1024),
          memory: String(cpuWorker.memory * 1024),
          ephemeralStorage: { sizeInGib: 50 },
        }),
    runtimePlatform: { cpuArchitecture: "X86_64", operatingSystemFamily: "LINUX" },
    executionRoleArn: createExecutionRole(title, log).arn,
    taskRoleArn: createWorkerRole(pool, title).arn,
    volumes: [{ name: "models", ...(isGpu ? { hostPath: modelsOnMachine } : {}) }, { name: "scratch" }],
    containerDefinitions: $jsonStringify(containers),
  });
}
