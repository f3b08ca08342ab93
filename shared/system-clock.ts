import { randomBytes as nodeRandomBytes } from "node:crypto";
import type { Clock, RandomBytes } from "./ports/clock.ts";

/** The system's time and random bytes, for composition roots. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal?.addEventListener("abort", done, { once: true });
    }),
};

export const systemRandom: RandomBytes = (count) => nodeRandomBytes(count);
