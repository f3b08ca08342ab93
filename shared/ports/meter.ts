/** Tells a billing service what was used. Telling the same identifier again counts once there. */
export interface Meter {
  /** @throws RetryableError when the service is out of reach or throttles */
  report(usage: {
    /** The job's id: what makes repeating safe. */
    readonly identifier: string;
    readonly customer: string;
    readonly credits: number;
    /** Unix seconds. */
    readonly at: number;
  }): Promise<void>;
}
