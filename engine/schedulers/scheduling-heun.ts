import { InternalError, VisibleError } from "../errors.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SchedulerConfig } from "./scheduler-config.ts";
import { estimateClean } from "./sigmas.ts";
import { exploding } from "./variance-exploding.ts";

/**
 * Heun's method for dx/dσ = (x − D) / σ (T. Karras et al. 2022, algorithm 1 without churn). Even evaluations
 * take Euler's step to the next level. The odd ones evaluate there and repeat the step from its start with
 * the mean of the two slopes. The last step, to σ = 0, is Euler's: N steps take 2N − 1 evaluations.
 *
 * @throws VisibleError `unsupported_scheduler` for a first σ of 4096, where the mean of two slopes is
 * meaningless
 */
export function makeHeun(config: SchedulerConfig, steps: number): Scheduler {
  if (config.zeroTerminalSnr)
    throw new VisibleError(
      "unsupported_scheduler",
      "heun does not support rescale_betas_zero_snr; use another scheduler.",
    );
  const { sigmas, ...run } = exploding(config, steps, true);
  const range = config.clipSampleRange ?? Number.POSITIVE_INFINITY;
  return {
    ...run,
    step(modelOutput, index, sample, _, history) {
      const clean = estimateClean(config.predictionType, run.levels[index]!, modelOutput, sample).map(
        (value) => Math.min(Math.max(value, -range), range),
      );
      if (index % 2 === 0) {
        history?.splice(0, 1, { clean, sample });
        const keep = sigmas[index + 1]! / sigmas[index]!;
        return sample.map((x, i) => keep * x + (1 - keep) * clean[i]!);
      }
      const begun = history?.[0];
      if (!begun) throw new InternalError(`heun: step ${index} needs its history`);
      const [from, to] = [sigmas[index - 1]!, sigmas[index]!];
      return begun.sample.map((start, i) => {
        const [first, second] = [(start - begun.clean[i]!) / from, (sample[i]! - clean[i]!) / to];
        return start + (to - from) * ((first + second) / 2);
      });
    },
  };
}
