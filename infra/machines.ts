/**
 * What computing costs, in US dollars an hour, Linux, us-east-1; list prices as known on 2026-11-23; only
 * that of g5.xlarge was held against a source. Spot prices move by the
 * hour, so theirs is one usual share and no promise. Look again before you budget.
 */

/** A machine with one GPU. */
export interface GpuMachine {
  readonly gpu: string;
  /** GiB of the GPU's own memory. */
  readonly gpuMemory: number;
  readonly vcpus: number;
  /** GiB. */
  readonly memory: number;
  readonly onDemand: number;
}

/**
 * In order of preference, which is that of their prices: a later one is taken where the earlier cannot be had. Ten, because Spot is the
 * likelier to have a machine the more kinds it may choose from.
 */
export const gpuMachines = {
  "g6.xlarge": { gpu: "L4", gpuMemory: 24, vcpus: 4, memory: 16, onDemand: 0.8048 },
  "g6.2xlarge": { gpu: "L4", gpuMemory: 24, vcpus: 8, memory: 32, onDemand: 0.9776 },
  "g5.xlarge": { gpu: "A10G", gpuMemory: 24, vcpus: 4, memory: 16, onDemand: 1.006 },
  "g5.2xlarge": { gpu: "A10G", gpuMemory: 24, vcpus: 8, memory: 32, onDemand: 1.212 },
  "g6.4xlarge": { gpu: "L4", gpuMemory: 24, vcpus: 16, memory: 64, onDemand: 1.3232 },
  "gr6.4xlarge": { gpu: "L4", gpuMemory: 24, vcpus: 16, memory: 128, onDemand: 1.539 },
  "g5.4xlarge": { gpu: "A10G", gpuMemory: 24, vcpus: 16, memory: 64, onDemand: 1.624 },
  "g6e.xlarge": { gpu: "L40S", gpuMemory: 48, vcpus: 4, memory: 32, onDemand: 1.861 },
  "g6.8xlarge": { gpu: "L4", gpuMemory: 24, vcpus: 32, memory: 128, onDemand: 2.0144 },
  "g6e.2xlarge": { gpu: "L40S", gpuMemory: 48, vcpus: 8, memory: 64, onDemand: 2.2421 },
} as const satisfies Record<string, GpuMachine>;

/** Of the price on demand. */
export const spotShare = 0.5;

/** What one worker without a GPU asks of Fargate. */
export const cpuWorker = { vcpus: 4, memory: 16 } as const;

/** Fargate, on demand: a vCPU, and a GiB. */
export const fargate = { vcpu: 0.04048, gibibyte: 0.004445 } as const;
export const cpuWorkerHour = cpuWorker.vcpus * fargate.vcpu + cpuWorker.memory * fargate.gibibyte;

/** Beside machines: DynamoDB on demand, Lambda on Arm, S3, SQS, NAT. US dollars; list prices as known on 2026-11-29. */
export const requestPrices = {
  writeUnit: 0.625e-6,
  readUnit: 0.125e-6,
  lambdaRequest: 0.2e-6,
  lambdaGbSecond: 13.3334e-6,
  objectWritten: 5e-6,
  message: 0.4e-6,
  natHour: 0.045,
  /** A t4g.nano. */
  smallNatHour: 0.0042,
  publicAddressHour: 0.005,
} as const;
