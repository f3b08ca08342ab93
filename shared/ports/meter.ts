/** Reports usage to a billing service, which counts each identifier once. */
export interface Meter {
  /** @throws RetryableError if the service is unreachable or throttles */
  report(usage: {
    /** The job's ID, which makes the report idempotent. */
    readonly identifier: string;
    readonly customer: string;
    readonly credits: number;
    /** Unix seconds. */
    readonly at: number;
  }): Promise<void>;
}
