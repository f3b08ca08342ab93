import { InternalError } from "../errors.ts";
import { makeBetas } from "./beta-schedule.ts";
import type { PredictionType, SchedulerConfig } from "./scheduler-config.ts";

/**
 * The forward process the model was trained on (J. Ho et al., "Denoising Diffusion Probabilistic Models",
 * 2020).
 *
 *     βₜ  betas[t]              ᾱₜ  alphasCumprod[t] = Π_{s ≤ t} (1 − βₛ)
 *     z₀  clean latents         ε   noise             zₜ = √ᾱₜ z₀ + √(1 − ᾱₜ) ε
 *     vₜ = √ᾱₜ ε − √(1 − ᾱₜ) z₀   (T. Salimans and J. Ho, "Progressive Distillation", 2022)
 */
export interface NoiseSchedule {
  readonly predictionType: PredictionType;
  /** T; timesteps are integers from 0 to T − 1. */
  readonly trainTimesteps: number;
  /** ᾱ, float32 values. With zero terminal SNR the last is exactly 0. */
  readonly alphasCumprod: Float64Array;
  /** zₜ, of any shape. */
  addNoise(z0: Float32Array, noise: Float32Array, t: number): Float32Array;
  /** The model's training target for zₜ: ε, vₜ or z₀ by `predictionType`. A copy. */
  target(z0: Float32Array, noise: Float32Array, t: number): Float32Array;
  /** Signal-to-noise ratio in power: ᾱₜ / (1 − ᾱₜ). */
  snr(t: number): number;
}

export function makeNoiseSchedule(config: SchedulerConfig): NoiseSchedule {
  const alphasCumprod = makeAlphasCumprod(config);
  const alphaBar = (t: number): number => {
    const value = alphasCumprod[t];
    if (value === undefined)
      throw new InternalError(`timestep ${t} is not an integer from 0 to ${alphasCumprod.length - 1}`);
    return value;
  };
  return {
    predictionType: config.predictionType,
    trainTimesteps: config.trainTimesteps,
    alphasCumprod,
    addNoise: (z0, noise, t) => combine(Math.sqrt(alphaBar(t)), z0, Math.sqrt(1 - alphaBar(t)), noise),
    target(z0, noise, t) {
      if (config.predictionType === "epsilon") return noise.slice();
      if (config.predictionType === "sample") return z0.slice();
      return combine(-Math.sqrt(1 - alphaBar(t)), z0, Math.sqrt(alphaBar(t)), noise);
    },
    snr: (t) => alphaBar(t) / (1 - alphaBar(t)),
  };
}

/** The betas and each ᾱₜ are float32, but the running product is float64, like torch.cumprod. */
function makeAlphasCumprod(config: SchedulerConfig): Float64Array {
  let product = 1;
  return Float64Array.from(makeBetas(config), (beta) => {
    product *= Math.fround(1 - beta);
    return Math.fround(product);
  });
}

/** a·x + b·y, elementwise. */
export function combine(a: number, x: Float32Array, b: number, y: Float32Array): Float32Array {
  if (x.length !== y.length)
    throw new InternalError(`latents of ${x.length} and ${y.length} elements differ in size`);
  const sum = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) sum[i] = a * x[i]! + b * y[i]!;
  return sum;
}
