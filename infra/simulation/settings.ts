import { machineIdleAfter, type PoolName, type PoolSize, scalingPolicy } from "../../scaler/policy.ts";
import { workerTimes } from "../../scaler/worker-times.ts";
import { defined } from "../../shared/defined.ts";
import { cpuWorkerHour, gpuMachines, spotShare } from "../machines.ts";
import { stageSettings } from "../stages.ts";
import { normal } from "./assumptions.ts";
import type { PoolRules } from "./pool.ts";

/** Settings that a trial changes. All others are as deployed. */
export type Overrides = Partial<PoolSize> & { readonly targetWait?: number; readonly idleAfter?: number };

const secondsOf = (...names: readonly (keyof typeof workerTimes)[]): number =>
  names.reduce((total, name) => total + workerTimes[name].seconds, 0);

/** Seconds of a start on a new machine, and on Fargate. */
const starts = {
  cuda: {
    requested: secondsOf("machineIsRequested"),
    machineStarts: secondsOf("machineBoots", "snapshotIsRead"),
  },
  cpu: {
    requested: secondsOf("fargateIsNoticed"),
    machineStarts: secondsOf("cpuImageIsPulled", "cpuWeightsAreFetched"),
  },
} as const;

/** The rules of a pool as deployed in a stage, except for the overrides. */
export function deployed(stage: string, pool: PoolName, overrides: Overrides = {}): PoolRules {
  const { device, pools } = stageSettings(stage);
  const { targetWait, idleAfter, ...size } = overrides;
  const policy = { ...scalingPolicy[pool], ...defined({ targetWait, idleAfter }) };
  return {
    size: { ...pools[pool], ...size },
    policy,
    taskStarts: secondsOf("taskStarts"),
    ...starts[device],
    // Fargate keeps no machines.
    machineIdleAfter: device === "cuda" ? machineIdleAfter : 0,
    refusalArrives: secondsOf("spotRefusalArrives"),
    conditions: normal,
  };
}

const preferred = gpuMachines["g6.xlarge"];

/** US dollars a second for the preferred machine. */
export const gpuPrices = {
  onDemand: preferred.onDemand / 3600,
  spot: (preferred.onDemand * spotShare) / 3600,
} as const;
export const cpuPrices = {
  onDemand: cpuWorkerHour / 3600,
  spot: (cpuWorkerHour * spotShare) / 3600,
} as const;
