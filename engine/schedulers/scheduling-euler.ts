import type { Scheduler } from "./scheduler.ts";
import type { SchedulerConfig } from "./scheduler-config.ts";
import { estimateClean } from "./sigmas.ts";
import { exploding } from "./variance-exploding.ts";

/** Euler's method for dx/dσ = (x − D) / σ (T. Karras et al. 2022), without added noise. */
export function makeEuler(config: SchedulerConfig, steps: number): Scheduler {
  const { sigmas, ...run } = exploding(config, steps);
  return {
    ...run,
    step(modelOutput, index, sample) {
      const keep = sigmas[index + 1]! / sigmas[index]!;
      const clean = estimateClean(config.predictionType, run.levels[index]!, modelOutput, sample);
      return sample.map((x, i) => keep * x + (1 - keep) * clean[i]!);
    },
  };
}
