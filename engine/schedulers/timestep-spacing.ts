import { VisibleError } from "../errors.ts";
import type { SchedulerConfig, TimestepSpacing } from "./scheduler-config.ts";

/**
 * The timesteps of a sampling run, falling; not always whole for `linspace`. The three spacings are those of table 2 in
 * S. Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed", 2023.
 *
 * @throws VisibleError `invalid_steps`
 */
export function makeTimesteps(config: SchedulerConfig, spacing: TimestepSpacing, steps: number): number[] {
  const count = config.trainTimesteps;
  if (!Number.isInteger(steps) || steps < 1 || steps > count)
    throw new VisibleError(
      "invalid_steps",
      `Sampling takes a whole number of steps from 1 to ${count}, not ${steps}.`,
    );
  const rules: Readonly<Record<TimestepSpacing, (k: number) => number>> = {
    // k counts from the noisiest step. An offset may lead past the last trained level; it stops there.
    leading: (k) => Math.min((steps - 1 - k) * Math.floor(count / steps) + config.stepsOffset, count - 1),
    linspace: (k) => (steps === 1 ? 0 : ((count - 1) * (steps - 1 - k)) / (steps - 1)),
    trailing: (k) => roundHalfToEven(count - (k * count) / steps) - 1,
  };
  return Array.from({ length: steps }, (_, k) => rules[spacing](k));
}

/** As NumPy rounds. */
export function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}
