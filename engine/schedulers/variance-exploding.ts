import type { Scheduler } from "./scheduler.ts";
import type { SchedulerConfig } from "./scheduler-config.ts";
import { explodingLevel, interpolate, scaleToUnit, trainedSigmas } from "./sigmas.ts";
import { makeTimesteps } from "./timestep-spacing.ts";

/** The common part of samplers over x = x₀ + σ ε (K. Crowson's k-diffusion): everything except the step. */
export function exploding(
  config: SchedulerConfig,
  steps: number,
  /** Whether every level except the first is evaluated twice. */
  twice = false,
): Omit<Scheduler, "step"> & { readonly sigmas: readonly number[] } {
  const spacing = config.timestepSpacing ?? "linspace";
  const each = <Value>(values: readonly Value[]) =>
    twice ? values.flatMap((value, k) => (k === 0 ? [value] : [value, value])) : values;
  const spaced = makeTimesteps(config, spacing, steps).map(Math.fround);
  const trained = trainedSigmas(config);
  const sigmas = [...each(spaced.map((t) => Math.fround(interpolate(trained, t)))), 0];
  const sigmaMax = Math.max(...sigmas);
  return {
    timesteps: each(spaced),
    evaluationsPerStep: twice ? 2 : 1,
    sigmas,
    levels: sigmas.map(explodingLevel),
    // With "leading" spacing the run starts below the last level, so the first sample includes an image's
    // variance.
    initNoiseSigma: spacing === "leading" ? Math.sqrt(sigmaMax ** 2 + 1) : sigmaMax,
    scaleModelInput: (sample, index) => scaleToUnit(sample, sigmas[index]!),
  };
}
