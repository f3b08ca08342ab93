import { InternalError } from "../errors.ts";
import { makeNoiseSchedule } from "./noise-schedule.ts";
import type { Scheduler } from "./scheduler.ts";
import type { PredictionType, SchedulerConfig } from "./scheduler-config.ts";
import { makeTimesteps } from "./timestep-spacing.ts";

/*
 * Notation (T. Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", 2022; the ancestral
 * step is K. Crowson's k-diffusion):
 *
 *   sample    x = x₀ + σ ε, unlike zₜ not shrunk by √ᾱₜ          sigmas[k]  σₖ = √((1 − ᾱ) / ᾱ) at timestep k
 *   scaled    x / √(σ² + 1) = zₜ, what the model was trained on  denoised   D, the model's estimate of x₀
 *   sigmaUp   the deviation of the noise added anew              sigmaDown  where the deterministic step ends;
 *                                                                           σ_up² + σ_down² = σₖ₊₁²
 */

/** x₀ = fromOutput · output + fromSample · x. */
const denoisedWeights: Readonly<Record<PredictionType, (sigma: number) => readonly [number, number]>> = {
  // x₀ = x − σ ε
  epsilon: (sigma) => [-sigma, 1],
  // x₀ = √ᾱ zₜ − √(1 − ᾱ) v, with ᾱ = 1 / (σ² + 1)
  v_prediction: (sigma) => [-sigma / Math.sqrt(sigma ** 2 + 1), 1 / (sigma ** 2 + 1)],
  sample: () => [1, 0],
};

export function makeEulerAncestral(config: SchedulerConfig, steps: number): Scheduler {
  const spacing = config.timestepSpacing ?? "linspace";
  const timesteps = makeTimesteps(config, spacing, steps).map(Math.fround);
  const trained = trainedSigmas(config);
  const sigmas = [...timesteps.map((t) => Math.fround(interpolate(trained, t))), 0];
  const sigmaMax = Math.max(...sigmas);

  return {
    timesteps,
    // Where the run starts below the last level ("leading"), the first sample carries a picture's own variance too.
    initNoiseSigma: spacing === "leading" ? Math.sqrt(sigmaMax ** 2 + 1) : sigmaMax,
    scaleModelInput(sample, index) {
      const scale = 1 / Math.sqrt(sigmas[index]! ** 2 + 1);
      return sample.map((x) => x * scale);
    },
    step(modelOutput, index, sample, noise) {
      const [sigma, sigmaNext] = [sigmas[index]!, sigmas[index + 1]!];
      const sigmaUp = Math.sqrt((sigmaNext ** 2 * (sigma ** 2 - sigmaNext ** 2)) / sigma ** 2);
      const sigmaDown = Math.sqrt(sigmaNext ** 2 - sigmaUp ** 2);
      if (sigmaUp > 0 && noise === undefined)
        throw new InternalError(`euler-ancestral step ${index} was given no noise`);
      const fresh = sigmaUp > 0 ? noise?.() : undefined;
      if (fresh !== undefined && fresh.length !== sample.length)
        throw new InternalError(`euler-ancestral: noise of ${fresh.length} elements for ${sample.length}`);

      // dx/dσ = (x − D) / σ followed from σ to σ_down, written as the mean of x and D that it is.
      const keep = sigmaDown / sigma;
      const [fromOutput, fromSample] = denoisedWeights[config.predictionType](sigma);
      const next = new Float32Array(sample.length);
      for (let i = 0; i < next.length; i++) {
        const denoised = fromOutput * modelOutput[i]! + fromSample * sample[i]!;
        next[i] = keep * sample[i]! + (1 - keep) * denoised + sigmaUp * (fresh?.[i] ?? 0);
      }
      return next;
    },
  };
}

/** σ for t = 0 … T − 1, float32. With zero terminal SNR the last ᾱ is taken as 2⁻²⁴, so that σ stays finite (4096). */
function trainedSigmas(config: SchedulerConfig): Float64Array {
  const { alphasCumprod } = makeNoiseSchedule(config);
  if (config.zeroTerminalSnr) alphasCumprod[alphasCumprod.length - 1] = 2 ** -24;
  return alphasCumprod.map((alphaBar) =>
    Math.fround(Math.sqrt(Math.fround(Math.fround(1 - alphaBar) / alphaBar))),
  );
}

function interpolate(table: Float64Array, t: number): number {
  const below = Math.floor(t);
  const [left, right] = [table[below]!, table[Math.min(below + 1, table.length - 1)]!];
  return left + (right - left) * (t - below);
}
