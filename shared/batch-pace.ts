/** Rate at which the lines of a batch are queued. The simulation uses the same values. */
export const batchPace = {
  /**
   * Maximum queued lines of one account's batches. If it is too low, the backlog is too small to scale beyond
   * one worker; if it is too high, canceling a batch takes long.
   */
  window: 1000,
  /** Maximum lines submitted in one pass, so that a pass ends within the Lambda timeout. */
  linesPerPass: 200,
  /** Milliseconds between two passes over a running batch. */
  interval: 1000,
} as const;
