/** How the learning rate moves over a run. */
export type LearningRateSchedule = "constant" | "cosine";

/** The share of the base learning rate to use at update `step` of `steps` (counted from 0), in (0, 1]. */
export const learningRateFactor: {
  readonly [S in LearningRateSchedule]: (step: number, steps: number) => number;
} = {
  constant: () => 1,
  // Half a cosine from 1 down to 1/20 at the last step: late steps settle what early steps found.
  cosine: (step, steps) => 0.05 + 0.95 * 0.5 * (1 + Math.cos((Math.PI * step) / Math.max(1, steps - 1))),
};
