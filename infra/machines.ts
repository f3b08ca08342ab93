/**
 * List prices in US dollars per hour for Linux in us-east-1, written from memory on 2026-11-23; only
 * g5.xlarge was verified. Spot prices change hourly and are represented by one typical share. Check current
 * prices before you budget.
 */

/** A machine with one GPU. */
interface GpuMachine {
  readonly gpu: string;
  /** GPU memory in GiB. */
  readonly gpuMemory: number;
  readonly vcpus: number;
  /** GiB. */
  readonly memory: number;
  readonly onDemand: number;
}

/** In order of preference, by price. Ten types, because Spot capacity is more likely with more types. */
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

/** Spot price as a fraction of the on-demand price. */
export const spotShare = 0.5;

/** Fargate size of a worker without a GPU. */
export const cpuWorker = { vcpus: 4, memory: 16 } as const;

/** Fargate on demand, per vCPU and per GiB. */
const fargate = { vcpu: 0.04048, gibibyte: 0.004445 } as const;
export const cpuWorkerHour = cpuWorker.vcpus * fargate.vcpu + cpuWorker.memory * fargate.gibibyte;

/**
 * Other prices in US dollars: DynamoDB on demand, Lambda on Arm, S3, SQS, NAT. List prices of 2026-11-29,
 * from memory.
 */
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
