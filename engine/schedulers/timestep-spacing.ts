import { VisibleError } from "../errors.ts";
import type { SchedulerConfig, TimestepSpacing } from "./scheduler-config.ts";

/** @throws VisibleError `invalid_steps` */
export function requireSteps({ trainTimesteps }: SchedulerConfig, steps: number, max = trainTimesteps): void {
  if (!Number.isInteger(steps) || steps < 1 || steps > max)
    throw new VisibleError(
      "invalid_steps",
      `Sampling steps are ${steps}; use a whole number from 1 to ${max}.`,
    );
}

/**
 * @throws VisibleError `unsupported_scheduler` for ε prediction with zero terminal SNR, where ε does not
 * determine x₀
 */
export function requireSignal(name: string, { zeroTerminalSnr, predictionType }: SchedulerConfig): void {
  if (zeroTerminalSnr && predictionType === "epsilon")
    throw new VisibleError(
      "unsupported_scheduler",
      `${name} cannot use rescale_betas_zero_snr with prediction_type epsilon; use the euler-ancestral scheduler.`,
    );
}

/**
 * The timesteps of a sampling run, descending; fractional for some `linspace` runs. The three spacings are
 * those of table 2 in
 * S. Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed", 2023.
 *
 * @throws VisibleError `invalid_steps`
 */
export function makeTimesteps(config: SchedulerConfig, spacing: TimestepSpacing, steps: number): number[] {
  requireSteps(config, steps);
  return spaced(config, spacing, steps);
}

/**
 * The same for multistep solvers, which do not evaluate at timestep 0 (plus the offset): all but the last of
 * one more timestep, rounded.
 *
 *
 * @throws VisibleError `invalid_steps`
 */
export function makeTimestepsAboveZero(
  config: SchedulerConfig,
  spacing: TimestepSpacing,
  steps: number,
): number[] {
  requireSteps(config, steps, config.trainTimesteps - 1);
  const timesteps =
    spacing === "trailing" ? spaced(config, spacing, steps) : spaced(config, spacing, steps + 1);
  return timesteps.slice(0, steps).map(roundHalfToEven);
}

function spaced(
  { trainTimesteps: count, stepsOffset }: SchedulerConfig,
  spacing: TimestepSpacing,
  steps: number,
): number[] {
  const rules: Readonly<Record<TimestepSpacing, (k: number) => number>> = {
    // k counts from the noisiest step. An offset is limited to the last trained level.
    leading: (k) => Math.min((steps - 1 - k) * Math.floor(count / steps) + stepsOffset, count - 1),
    linspace: (k) => (steps === 1 ? 0 : ((count - 1) * (steps - 1 - k)) / (steps - 1)),
    trailing: (k) => roundHalfToEven(count - (k * count) / steps) - 1,
  };
  return Array.from({ length: steps }, (_, k) => rules[spacing](k));
}

/** Rounds like NumPy. */
export function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}
