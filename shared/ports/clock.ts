/** Source of time, provided by the composition root. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `milliseconds`, or immediately when `signal` aborts. Never rejects. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** Returns cryptographically secure random bytes. */
export type RandomBytes = (count: number) => Uint8Array;

export const toIso = (milliseconds: number): string => new Date(milliseconds).toISOString();
