import { InternalError, VisibleError } from "../errors.ts";
import { makeNoiseSchedule } from "./noise-schedule.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SchedulerConfig } from "./scheduler-config.ts";
import { estimateClean } from "./sigmas.ts";
import { requireSignal, requireSteps } from "./timestep-spacing.ts";

/** σ_data of the boundary condition. */
const dataDeviation = 0.5;

/**
 * Sampling of latent consistency models (S. Luo et al. 2023), for UNets distilled for it. Each evaluation
 * estimates x₀, and all but the last add noise for the next level. Timesteps are chosen from the
 * `originalSteps` levels of the distillation.
 */
export function makeLcm(config: SchedulerConfig, steps: number): Scheduler {
  requireSteps(config, steps);
  requireSignal("lcm", config);
  const { originalSteps, timestepScaling } = config.consistency;
  if (steps > originalSteps)
    throw new VisibleError(
      "invalid_steps",
      `lcm supports at most ${originalSteps} steps (original_inference_steps), not ${steps}.`,
    );
  const stride = Math.floor(config.trainTimesteps / originalSteps);
  if (stride === 0)
    throw new VisibleError(
      "unsupported_scheduler",
      `lcm cannot take ${originalSteps} original_inference_steps from ${config.trainTimesteps} timesteps; use another scheduler.`,
    );
  const timesteps = Array.from(
    { length: steps },
    (_, k) => (originalSteps - Math.floor((k * originalSteps) / steps)) * stride - 1,
  );
  const { alphasCumprod } = makeNoiseSchedule(config);
  const levels = timesteps.map((t) => ({
    signal: Math.sqrt(alphasCumprod[t]!),
    noise: Math.sqrt(1 - alphasCumprod[t]!),
  }));
  const range = config.clipSampleRange ?? Number.POSITIVE_INFINITY;
  return {
    timesteps,
    evaluationsPerStep: 1,
    levels: [...levels, { signal: 1, noise: 0 }],
    initNoiseSigma: 1,
    scaleModelInput: (sample) => sample,
    step(modelOutput, index, sample, noise) {
      const scaled = timesteps[index]! * timestepScaling;
      const keep = dataDeviation ** 2 / (scaled ** 2 + dataDeviation ** 2);
      const take = scaled / Math.sqrt(scaled ** 2 + dataDeviation ** 2);
      const clean = estimateClean(config.predictionType, levels[index]!, modelOutput, sample).map(
        (value, i) => take * Math.min(Math.max(value, -range), range) + keep * sample[i]!,
      );
      const next = levels[index + 1];
      if (!next) return clean;
      if (!noise) throw new InternalError(`lcm step ${index} needs noise`);
      const fresh = noise();
      return clean.map((value, i) => next.signal * value + next.noise * fresh[i]!);
    },
  };
}
