import { InternalError } from "../errors.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SchedulerConfig } from "./scheduler-config.ts";
import { estimateClean } from "./sigmas.ts";
import { exploding } from "./variance-exploding.ts";

/*
 * Notation (T. Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", 2022; the
 * ancestral step is K. Crowson's k-diffusion):
 *
 *   sample    x = x₀ + σ ε                          clean      D, the model's estimate of x₀
 *   sigmaUp   the deviation of the noise added      sigmaDown  where the deterministic step ends;
 *                                                              σ_up² + σ_down² = σₖ₊₁²
 */
export function makeEulerAncestral(config: SchedulerConfig, steps: number): Scheduler {
  const { sigmas, ...run } = exploding(config, steps);
  return {
    ...run,
    step(modelOutput, index, sample, noise) {
      const [sigma, sigmaNext] = [sigmas[index]!, sigmas[index + 1]!];
      const sigmaUp = Math.sqrt((sigmaNext ** 2 * (sigma ** 2 - sigmaNext ** 2)) / sigma ** 2);
      const sigmaDown = Math.sqrt(sigmaNext ** 2 - sigmaUp ** 2);
      if (sigmaUp > 0 && noise === undefined)
        throw new InternalError(`euler-ancestral step ${index} needs noise`);
      const fresh = sigmaUp > 0 ? noise?.() : undefined;

      // dx/dσ = (x − D) / σ integrated from σ to σ_down, written as a weighted mean of x and D.
      const keep = sigmaDown / sigma;
      const clean = estimateClean(config.predictionType, run.levels[index]!, modelOutput, sample);
      return sample.map((x, i) => keep * x + (1 - keep) * clean[i]! + sigmaUp * (fresh?.[i] ?? 0));
    },
  };
}
