/** Learning rate schedule of a run. */
export type LearningRateSchedule = "constant" | "cosine";

/** Factor of the base learning rate at update `step` of `steps` (counted from 0), in (0, 1]. */
export const learningRateFactor: {
  readonly [S in LearningRateSchedule]: (step: number, steps: number) => number;
} = {
  constant: () => 1,
  // Half a cosine from 1 to 1/20 at the last step.
  cosine: (step, steps) => 0.05 + 0.95 * 0.5 * (1 + Math.cos((Math.PI * step) / Math.max(1, steps - 1))),
};
