import { extrapolatedStep, follow, halfLogSnr, preserving, requireOrder } from "./multistep.ts";
import type { NoiseLevel, PastStep, Scheduler } from "./scheduler.ts";
import type { SchedulerConfig } from "./scheduler-config.ts";
import { estimateClean, trainedSigmas } from "./sigmas.ts";
import { makeTimestepsAboveZero } from "./timestep-spacing.ts";

/**
 * UniPC of order 2 with B(h) = e^(−h) − 1 (W. Zhao et al. 2023; diffusers' `bh2`). Its predictor is
 * DPM-Solver++ (2M). The estimate at each new level then corrects the current sample, without another
 * evaluation.
 */
export function makeUniPc(config: SchedulerConfig, steps: number): Scheduler {
  requireOrder("unipc", steps);
  const timesteps = makeTimestepsAboveZero(config, config.timestepSpacing ?? "linspace", steps);
  const trained = trainedSigmas(config);
  const run = preserving(timesteps, [...timesteps.map((t) => trained[t]!), 0]);
  return {
    ...run,
    step(modelOutput, index, sample, _, history) {
      const clean = estimateClean(config.predictionType, run.levels[index]!, modelOutput, sample);
      const corrected = history?.length ? correct(run.levels, index, clean, history) : sample;
      const next = extrapolatedStep(run.levels, index, corrected, clean, history?.[0]?.clean);
      history?.unshift({ clean, sample: corrected });
      history?.splice(2);
      return next;
    },
  };
}

/** Recomputes the sample at `levels[index]` from the previous one, with the estimate at this level. */
function correct(
  levels: readonly NoiseLevel[],
  index: number,
  clean: Float32Array,
  [last, earlier]: readonly PastStep[],
): Float32Array {
  const [from, to] = [levels[index - 1]!, levels[index]!];
  const { sample, clean: before } = last!;
  if (!earlier) return follow(sample, from, to, (i) => (before[i]! + clean[i]!) / 2);
  const h = halfLogSnr(to) - halfLogSnr(from);
  const ratio = (halfLogSnr(levels[index - 2]!) - halfLogSnr(from)) / h;
  // ρ solves [[1, 1], [r, 1]] ρ = b, where bₖ = k! hᵏ φₖ₊₁(−h) / B(h).
  const base = Math.expm1(-h);
  const phi = base / -h - 1;
  const b = [phi / base, ((phi / -h - 0.5) * 2) / base] as const;
  const back = (b[0] - b[1]) / (1 - ratio);
  const ahead = b[0] - back;
  const change = (i: number) =>
    (back / ratio) * (earlier.clean[i]! - before[i]!) + ahead * (clean[i]! - before[i]!);
  return follow(sample, from, to, (i) => before[i]! + change(i));
}
