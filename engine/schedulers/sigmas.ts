import { makeNoiseSchedule } from "./noise-schedule.ts";
import type { NoiseLevel } from "./scheduler.ts";
import type { PredictionType, SchedulerConfig } from "./scheduler-config.ts";

/** x₀ = fromOutput · output + fromSample · x, for a sample x = signal · x₀ + noise · ε. */
type Weights = readonly [fromOutput: number, fromSample: number];

const cleanWeights: Readonly<Record<PredictionType, (level: NoiseLevel) => Weights>> = {
  epsilon: ({ signal, noise }) => [-noise / signal, 1 / signal],
  // x₀ = √ᾱ z − √(1 − ᾱ) v, where z is x scaled to unit variance.
  v_prediction: ({ signal, noise }) => {
    const power = signal ** 2 + noise ** 2;
    return [-noise / Math.sqrt(power), signal / power];
  },
  sample: () => [1, 0],
};

/** The model's estimate of x₀. */
export function estimateClean(
  predictionType: PredictionType,
  level: NoiseLevel,
  output: Float32Array,
  sample: Float32Array,
): Float32Array {
  const [fromOutput, fromSample] = cleanWeights[predictionType](level);
  return output.map((value, i) => fromOutput * value + fromSample * sample[i]!);
}

/**
 * σ = √((1 − ᾱ) / ᾱ) for t = 0 … T − 1, float32. With zero terminal SNR the last ᾱ is set to 2⁻²⁴, so that σ
 * is finite (4096).
 */
export function trainedSigmas(config: SchedulerConfig): Float64Array {
  const { alphasCumprod } = makeNoiseSchedule(config);
  if (config.zeroTerminalSnr) alphasCumprod[alphasCumprod.length - 1] = 2 ** -24;
  return alphasCumprod.map((alphaBar) =>
    Math.fround(Math.sqrt(Math.fround(Math.fround(1 - alphaBar) / alphaBar))),
  );
}

/** σ at a fractional timestep. */
export function interpolate(table: Float64Array, t: number): number {
  const below = Math.floor(t);
  const [left, right] = [table[below]!, table[Math.min(below + 1, table.length - 1)]!];
  return left + (right - left) * (t - below);
}

/** Variance exploding: x = x₀ + σ ε. */
export const explodingLevel = (sigma: number): NoiseLevel => ({ signal: 1, noise: sigma });

/** Variance preserving: z = x / √(σ² + 1), as in training. */
export function preservingLevel(sigma: number): NoiseLevel {
  const signal = 1 / Math.sqrt(sigma ** 2 + 1);
  return { signal, noise: sigma * signal };
}

/** Scales x for the model. */
export function scaleToUnit(sample: Float32Array, sigma: number): Float32Array {
  const scale = 1 / Math.sqrt(sigma ** 2 + 1);
  return sample.map((x) => x * scale);
}
