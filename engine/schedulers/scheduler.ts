import { InternalError } from "../errors.ts";
import type { SchedulerConfig } from "./scheduler-config.ts";
import { makeDdim } from "./scheduling-ddim.ts";
import { makeEulerAncestral } from "./scheduling-euler-ancestral.ts";

/** One sampling run. Stateless: every method takes the index of the step, so a run can be resumed anywhere. */
export interface Scheduler {
  /** What the model is told at each step, falling; may be fractional. */
  readonly timesteps: readonly number[];
  /** Standard deviation of the noise the first sample is. */
  readonly initNoiseSigma: number;
  /** The sample as the model takes it at step `index`. */
  scaleModelInput(sample: Float32Array, index: number): Float32Array;
  /**
   * The next sample. `modelOutput` is the (guided) prediction of the config's prediction type; `noise` gives standard
   * normal values of the sample's size, and is called at most once, by samplers that add noise at this step.
   */
  step(
    modelOutput: Float32Array,
    index: number,
    sample: Float32Array,
    noise?: () => Float32Array,
  ): Float32Array;
}

export type SchedulerKind = "euler-ancestral" | "ddim";

const makers: Readonly<Record<SchedulerKind, (config: SchedulerConfig, steps: number) => Scheduler>> = {
  "euler-ancestral": makeEulerAncestral,
  ddim: makeDdim,
};

/**
 * A sampling run of `steps` steps; any config makes either kind.
 *
 * @throws VisibleError `invalid_steps`, `unsupported_scheduler`
 */
export function createScheduler(kind: SchedulerKind, config: SchedulerConfig, steps: number): Scheduler {
  const scheduler = makers[kind](config, steps);
  const checkIndex = (index: number) => {
    if (scheduler.timesteps[index] === undefined)
      throw new InternalError(`${kind} has no step ${index} of ${steps}`);
  };
  return {
    ...scheduler,
    scaleModelInput(sample, index) {
      checkIndex(index);
      return scheduler.scaleModelInput(sample, index);
    },
    step(modelOutput, index, sample, noise) {
      checkIndex(index);
      if (modelOutput.length !== sample.length)
        throw new InternalError(
          `${kind}: model output of ${modelOutput.length} elements for ${sample.length}`,
        );
      return scheduler.step(modelOutput, index, sample, noise);
    },
  };
}
