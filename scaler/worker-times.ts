/**
 * Seconds of jobs and of the start of a worker. The scaler (`policy.ts`) and the simulation use these times,
 * and `npm run simulate` writes them to docs/simulation.md. Replace an assumed time here when you have
 * measured it.
 */
export interface WorkerTime {
  readonly seconds: number;
  /** Describes how to measure it again. A measured time names its command or metric, and the machine. */
  readonly what: string;
  readonly known: "assumed" | "measured";
  /** Date of the measurement or assumption. */
  readonly day: string;
}

const assumed = (seconds: number, day: string, what: string): WorkerTime => ({
  seconds,
  what,
  known: "assumed",
  day,
});
const measured = (seconds: number, day: string, what: string): WorkerTime => ({
  seconds,
  what,
  known: "measured",
  day,
});

export const workerTimes = {
  gpuEdit: assumed(6, "2026-11-24", "full-size model on an L4: one edit at 512 × 512, with transfers"),
  gpuLearning: assumed(
    90,
    "2026-11-24",
    "full-size model on an L4: one learning job at 512 × 512, default steps",
  ),
  cpuEdit: measured(
    0.3,
    "2026-11-24",
    "version 0.1 of the bundled model on two CPU cores (`npm run demo`): one edit, with transfers",
  ),
  cpuLearning: measured(
    19,
    "2026-11-24",
    "version 0.1 of the bundled model on two CPU cores (`npm run demo`): one learning job, 300 steps of 2",
  ),
  wake: assumed(3, "2026-11-24", "from a stored job to the scaler's request for a worker"),
  machineIsRequested: assumed(2, "2026-11-29", "from that request to the Auto Scaling group's launch"),
  machineBoots: assumed(75, "2026-11-24", "until a launched GPU machine has registered with ECS"),
  snapshotIsRead: assumed(
    20,
    "2026-11-29",
    "5 GB of weights and cache read from the machine's disk, which is still being initialized from its snapshot",
  ),
  fargateIsNoticed: assumed(10, "2026-11-24", "until Fargate has accepted a task"),
  cpuImageIsPulled: assumed(40, "2026-11-24", "the CPU image pulled by Fargate, which does not cache images"),
  cpuWeightsAreFetched: assumed(15, "2026-11-24", "the bundled model downloaded by a Fargate task"),
  taskStarts: assumed(
    8,
    "2026-11-29",
    "container, self-test and first sessions, with image, weights and cache on the machine",
  ),
  spotRefusalArrives: assumed(
    20,
    "2026-11-29",
    "from a request that Spot cannot fulfill until EventBridge has delivered AWS's event to the scaler",
  ),
} as const satisfies Record<string, WorkerTime>;
