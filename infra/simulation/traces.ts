import { SeededRandom } from "../../engine/random/seeded-random.ts";
import type { QueueName } from "../../shared/queue-timing.ts";

/** Arrival of a job at a queue. */
export interface Arrival {
  /** Seconds since the start. */
  readonly at: number;
  readonly queue: QueueName;
}

export const hour = 3600;
export const day = 24 * hour;

/** Relative number of requests per hour of the day: lowest at four, highest at nine in the evening. */
const diurnal = [
  22, 14, 9, 6, 5, 7, 14, 26, 36, 42, 46, 50, 54, 52, 50, 50, 52, 56, 64, 74, 82, 84, 64, 41,
] as const;
const parts = diurnal.reduce((sum, part) => sum + part, 0);

/** Poisson arrivals whose rate follows the hour of the day, sorted by time. */
export function mobileDay(edits: number, learnings: number, seed: number): Arrival[] {
  const ofQueue = (count: number, queue: QueueName): Arrival[] => {
    const random = new SeededRandom(seed, "mobile", queue);
    return diurnal.flatMap((part, index) =>
      poissonTimes((count * part) / parts / hour, index * hour, (index + 1) * hour, random).map((at) => ({
        at,
        queue,
      })),
    );
  };
  return [...ofQueue(edits, "interactive"), ...ofQueue(learnings, "learning")].sort((a, b) => a.at - b.at);
}

/** `count` jobs within one minute, every tenth of them learning, sorted by time. */
export function burst(count: number, at: number, seed: number): Arrival[] {
  const random = new SeededRandom(seed, "burst");
  return Array.from(
    { length: count },
    (_, index): Arrival => ({
      at: at + 60 * random.uniform(),
      queue: index % 10 === 0 ? "learning" : "interactive",
    }),
  ).sort((a, b) => a.at - b.at);
}

/** Arrival times of a Poisson process with `rate` arrivals a second. */
function poissonTimes(rate: number, from: number, to: number, random: SeededRandom): number[] {
  const times: number[] = [];
  for (let at = from; ; ) {
    at -= Math.log(1 - random.uniform()) / rate;
    if (at >= to) return times;
    times.push(at);
  }
}
