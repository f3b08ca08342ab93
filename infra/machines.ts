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

/** In order of preference: a later one is taken where the earlier cannot be had. */
export const gpuMachines = {
  "g6.xlarge": { gpu: "L4", gpuMemory: 24, vcpus: 4, memory: 16, onDemand: 0.8048 },
  "g5.xlarge": { gpu: "A10G", gpuMemory: 24, vcpus: 4, memory: 16, onDemand: 1.006 },
  "g6.2xlarge": { gpu: "L4", gpuMemory: 24, vcpus: 8, memory: 32, onDemand: 0.9776 },
  "g5.2xlarge": { gpu: "A10G", gpuMemory: 24, vcpus: 8, memory: 32, onDemand: 1.212 },
} as const satisfies Record<string, GpuMachine>;

/** Of the price on demand. */
export const spotShare = 0.5;

/** What one worker without a GPU asks of Fargate. */
export const cpuWorker = { vcpus: 4, memory: 16 } as const;

/** Fargate, on demand: a vCPU, and a GiB. */
export const fargate = { vcpu: 0.04048, gibibyte: 0.004445 } as const;
export const cpuWorkerHour = cpuWorker.vcpus * fargate.vcpu + cpuWorker.memory * fargate.gibibyte;
