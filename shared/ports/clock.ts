/** Time and chance, as the composition root gives them. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `milliseconds`, or at once when `signal` aborts; it never rejects. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** Cryptographically strong bytes. */
export type RandomBytes = (count: number) => Uint8Array;

export const toIso = (milliseconds: number): string => new Date(milliseconds).toISOString();
