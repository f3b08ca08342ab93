/** How fast the lines of a bulk edit come to the queue. The simulation runs the same numbers. */
export const batchPace = {
  /**
   * Lines that are on the queue at a time, of one batch and of all batches of one account. Too few, and the scaler sees no backlog that asks for a second
   * worker; too many, and a batch that is canceled has much to take back.
   */
  window: 1000,
  /** Most lines handed in at one look, so that a look ends within a Lambda function's time. */
  handful: 200,
  /** Milliseconds until a running batch is looked at again. */
  interval: 1000,
} as const;
