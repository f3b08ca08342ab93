/**
 * How long work takes and how long a worker takes to come, in seconds: the one place where a figure that was measured replaces one
 * that was assumed. Scaling reckons with them (`policy.ts`), the simulation plays with them, and docs/simulation.md lists
 * them (`npm run simulate` writes that list).
 */
export interface WorkerTime {
  readonly seconds: number;
  /** What took it, or would: exactly enough to measure it again. */
  readonly what: string;
  /** `measured` says by which command or metric, and on what machine, within `what`. */
  readonly known: "assumed" | "measured";
  /** Day of the measurement or of the assumption. */
  readonly day: string;
}

const assumed = (seconds: number, day: string, what: string): WorkerTime => ({
  ...{ seconds, what, known: "assumed", day },
});
const measured = (seconds: number, day: string, what: string): WorkerTime => ({
  ...{ seconds, what, known: "measured", day },
});

export const workerTimes = {
  gpuEdit: assumed(
    6,
    "2026-11-24",
    "one photo at 512 × 512 with the full-size model on an L4, its transfers included",
  ),
  gpuLearning: assumed(
    90,
    "2026-11-24",
    "one pair at 512 × 512 with the full-size model's default steps on an L4",
  ),
  cpuEdit: measured(
    0.3,
    "2026-11-24",
    "one photo with version 0.1 of the bundled model on two CPU cores (`npm run demo`), its transfers included",
  ),
  cpuLearning: measured(
    19,
    "2026-11-24",
    "one pair with version 0.1 of the bundled model, 300 steps of 2, on two CPU cores (`npm run demo`)",
  ),
  capacityIsNoticed: assumed(
    45,
    "2026-11-24",
    "until managed scaling has seen the task that waits for a machine",
  ),
  machineBoots: assumed(75, "2026-11-24", "until a new machine runs and ECS's agent has registered"),
  gpuImageIsPulled: assumed(70, "2026-11-24", "the CUDA image, some 4 GB compressed, to a new machine"),
  gpuWeightsAreFetched: assumed(30, "2026-11-24", "5 GB of weights from the bucket to a new machine's disk"),
  fargateIsNoticed: assumed(10, "2026-11-24", "until Fargate has taken the task"),
  cpuImageIsPulled: assumed(40, "2026-11-24", "the CPU image on Fargate, which keeps none"),
  cpuWeightsAreFetched: assumed(15, "2026-11-24", "the weights on Fargate, which keeps none"),
  modelIsPrepared: assumed(
    27,
    "2026-11-29",
    "what is computed from the weights once a machine and kept on its disk (`VISII_CACHE`): 29.6 s without it, 2.2 s with it, measured on a CPU",
  ),
  taskStarts: assumed(
    8,
    "2026-11-29",
    "container, self-test and first sessions, where image, weights and cache lie already",
  ),
} as const satisfies Record<string, WorkerTime>;
