import { machineIdleAfter, type PoolName, type PoolSize, scalingPolicy } from "../../scaler/policy.ts";
import { workerTimes } from "../../scaler/worker-times.ts";
import { cpuWorkerHour, gpuMachines, spotShare } from "../machines.ts";
import { stageSettings } from "../stages.ts";
import { usual } from "./assumptions.ts";
import type { PoolRules } from "./pool.ts";

/** What is turned to see what it does. Everything else is as it is deployed. */
export type Turned = Partial<PoolSize> & { readonly targetWait?: number; readonly idleAfter?: number };

const secondsOf = (...names: readonly (keyof typeof workerTimes)[]): number =>
  names.reduce((total, name) => total + workerTimes[name].seconds, 0);

/** Seconds from a wish for a worker to its first job, on a machine that must be bought first, and on Fargate. */
const starts = {
  cuda: {
    noticed: secondsOf("capacityIsNoticed"),
    machineStarts: secondsOf("machineBoots", "gpuImageIsPulled", "gpuWeightsAreFetched", "modelIsPrepared"),
  },
  cpu: {
    noticed: secondsOf("fargateIsNoticed"),
    machineStarts: secondsOf("cpuImageIsPulled", "cpuWeightsAreFetched"),
  },
} as const;

/** A pool as a stage of infra/ deploys it, but for what is turned. */
export function deployed(stage: string, pool: PoolName, turned: Turned = {}): PoolRules {
  const { device, pools } = stageSettings(stage);
  const { targetWait, idleAfter, ...size } = turned;
  const policy = {
    ...scalingPolicy[pool],
    ...(targetWait === undefined ? {} : { targetWait }),
    ...(idleAfter === undefined ? {} : { idleAfter }),
  };
  return {
    size: { ...pools[pool], ...size },
    policy,
    taskStarts: secondsOf("taskStarts"),
    ...starts[device],
    // Fargate has no machine to keep.
    machineIdleAfter: device === "cuda" ? machineIdleAfter : 0,
    weather: usual,
  };
}

const preferred = gpuMachines["g6.xlarge"];

/** US dollars a second, of the preferred machine. */
export const gpuPrices = {
  onDemand: preferred.onDemand / 3600,
  spot: (preferred.onDemand * spotShare) / 3600,
} as const;
export const cpuPrices = {
  onDemand: cpuWorkerHour / 3600,
  spot: (cpuWorkerHour * spotShare) / 3600,
} as const;
