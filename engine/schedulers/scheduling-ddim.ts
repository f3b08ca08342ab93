import { makeNoiseSchedule } from "./noise-schedule.ts";
import type { Scheduler } from "./scheduler.ts";
import type { PredictionType, SchedulerConfig } from "./scheduler-config.ts";
import { makeTimesteps, requireSignal, roundHalfToEven } from "./timestep-spacing.ts";

/*
 * Notation (J. Song et al., "Denoising Diffusion Implicit Models", 2020, eq. 12 with η = 0, without added
 * noise):
 *
 *   sample  xₜ = √ᾱₜ x₀ + √(1 − ᾱₜ) ε     signal  √ᾱₜ     noise   √(1 − ᾱₜ)     (the paper writes α for ᾱ)
 *   clean   f_θ(xₜ), the estimate of x₀    epsilon  ε_θ(xₜ), the estimate of ε
 *   next    xₜ₋Δ = √ᾱₜ₋Δ f_θ + √(1 − ᾱₜ₋Δ) ε_θ,  Δ = ⌊T / steps⌋
 */

type Estimate = (
  output: number,
  sample: number,
  signal: number,
  noise: number,
) => readonly [clean: number, epsilon: number];

const estimates: Readonly<Record<PredictionType, Estimate>> = {
  epsilon: (output, x, signal, noise) => [(x - noise * output) / signal, output],
  sample: (output, x, signal, noise) => [output, (x - signal * output) / noise],
  v_prediction: (output, x, signal, noise) => [signal * x - noise * output, signal * output + noise * x],
};

/** @throws VisibleError `unsupported_scheduler`, `invalid_steps` */
export function makeDdim(config: SchedulerConfig, steps: number): Scheduler {
  requireSignal("DDIM", config);
  const { alphasCumprod } = makeNoiseSchedule(config);
  const timesteps = makeTimesteps(config, config.timestepSpacing ?? "leading", steps).map(roundHalfToEven);
  const stride = Math.floor(config.trainTimesteps / steps);
  const finalAlphaBar = config.setAlphaToOne ? 1 : alphasCumprod[0]!;
  const range = config.clipSampleRange ?? Number.POSITIVE_INFINITY;
  const estimate = estimates[config.predictionType];
  const levelOf = (alphaBar: number) => ({ signal: Math.sqrt(alphaBar), noise: Math.sqrt(1 - alphaBar) });

  return {
    timesteps,
    evaluationsPerStep: 1,
    levels: [...timesteps.map((t) => levelOf(alphasCumprod[t]!)), levelOf(finalAlphaBar)],
    initNoiseSigma: 1,
    scaleModelInput: (sample) => sample,
    step(modelOutput, index, sample) {
      const t = timesteps[index]!;
      const alphaBar = alphasCumprod[t]!;
      const alphaBarNext = t >= stride ? alphasCumprod[t - stride]! : finalAlphaBar;
      const [signal, noise] = [Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar)];
      const [signalNext, noiseNext] = [Math.sqrt(alphaBarNext), Math.sqrt(1 - alphaBarNext)];

      const next = new Float32Array(sample.length);
      for (let i = 0; i < next.length; i++) {
        const [clean, epsilon] = estimate(modelOutput[i]!, sample[i]!, signal, noise);
        next[i] = signalNext * Math.min(Math.max(clean, -range), range) + noiseNext * epsilon;
      }
      return next;
    },
  };
}
