import { InternalError } from "../errors.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SchedulerConfig } from "./scheduler-config.ts";
import { makeDdim } from "./scheduling-ddim.ts";
import { makeDpmSolver } from "./scheduling-dpm-solver.ts";
import { makeEuler } from "./scheduling-euler.ts";
import { makeEulerAncestral } from "./scheduling-euler-ancestral.ts";
import { makeHeun } from "./scheduling-heun.ts";
import { makeLcm } from "./scheduling-lcm.ts";
import { makeUniPc } from "./scheduling-unipc.ts";

const makers = {
  "euler-ancestral": makeEulerAncestral,
  euler: makeEuler,
  heun: makeHeun,
  ddim: makeDdim,
  "dpmpp-2m-karras": makeDpmSolver,
  unipc: makeUniPc,
  lcm: makeLcm,
} satisfies Readonly<Record<string, (config: SchedulerConfig, steps: number) => Scheduler>>;

export type SchedulerKind = keyof typeof makers;

export const schedulerKinds = Object.keys(makers) as [SchedulerKind, ...SchedulerKind[]];

/**
 * Creates a sampling run of `steps` steps. Every kind can be created from any config.
 *
 * @throws VisibleError `invalid_steps`, `unsupported_scheduler`
 */
export function createScheduler(kind: SchedulerKind, config: SchedulerConfig, steps: number): Scheduler {
  const scheduler: Scheduler = makers[kind](config, steps);
  const checkIndex = (index: number) => {
    if (scheduler.timesteps[index] === undefined)
      throw new InternalError(`${kind} has no step ${index} of ${scheduler.timesteps.length}`);
  };
  return {
    ...scheduler,
    scaleModelInput(sample, index) {
      checkIndex(index);
      return scheduler.scaleModelInput(sample, index);
    },
    step(modelOutput, index, sample, noise, history) {
      checkIndex(index);
      if (modelOutput.length !== sample.length)
        throw new InternalError(
          `${kind}: model output of ${modelOutput.length} elements for ${sample.length}`,
        );
      const drawNoise =
        noise &&
        (() => {
          const drawn = noise();
          if (drawn.length !== sample.length)
            throw new InternalError(`${kind}: noise of ${drawn.length} elements for ${sample.length}`);
          return drawn;
        });
      return scheduler.step(modelOutput, index, sample, drawNoise, history);
    },
  };
}
