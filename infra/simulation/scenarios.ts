import type { PoolName } from "../../scaler/policy.ts";
import { bundledModelOnCpu, type ServiceTimes, usual, type Weather } from "./assumptions.ts";
import type { BatchRules } from "./batch-feeder.ts";
import type { Outcome, Scenario } from "./run-scenario.ts";
import { cpuPrices, deployed, gpuPrices, type Turned } from "./settings.ts";
import { burst, hour, mobileDay } from "./traces.ts";

/** A day somebody might have, what they would call good, and the settings worth trying for it. */
export interface Case {
  readonly name: string;
  readonly title: string;
  readonly pool: PoolName;
  /** Words for the promise; a setting keeps it or does not. */
  readonly promise: string;
  readonly kept: (outcome: Outcome) => boolean;
  readonly play: (turned: Turned, weather?: Weather) => Scenario;
  /** Combined, each with each. */
  readonly choices: { readonly [Setting in keyof Turned]?: readonly number[] };
}

export interface CaseInputs {
  /** Of one worker with the real model, seconds. */
  readonly times: ServiceTimes;
  readonly batch: BatchRules;
  readonly seed: number;
}

export function createCases({ times, batch, seed }: CaseInputs): readonly Case[] {
  const onGpus =
    (pool: PoolName, arrivals: Scenario["arrivals"], bulk: Partial<Scenario> = {}) =>
    (turned: Turned, weather: Weather = usual): Scenario => ({
      ...{ pool, times, seed, arrivals, prices: gpuPrices },
      rules: { ...deployed("production", pool, turned), weather },
      ...bulk,
    });
  return [
    {
      name: "mobile",
      title: "A mobile app's day: 20,000 edits and 1,000 learnings, by the hour",
      pool: "interactive",
      promise: "95 of 100 edits start within 20 s",
      kept: ({ waits }) => (waits.interactive?.p95 ?? 0) <= 20,
      play: onGpus("interactive", mobileDay(20_000, 1_000, seed)),
      choices: { minimum: [0, 1, 2], maximum: [8, 16], targetWait: [20, 40, 60] },
    },
    {
      name: "quiet",
      title: "A quiet day: 200 edits and 10 learnings",
      pool: "interactive",
      promise: "95 of 100 edits start within 20 s",
      kept: ({ waits }) => (waits.interactive?.p95 ?? 0) <= 20,
      play: onGpus("interactive", mobileDay(200, 10, seed)),
      choices: { minimum: [0, 1], idleAfter: [600, 1800, 3600] },
    },
    {
      name: "burst",
      title: "A pay-per-use burst: from nothing to 500 jobs in a minute, 50 of them learnings",
      pool: "interactive",
      promise: "95 of 100 edits start within 15 minutes",
      kept: ({ waits }) => (waits.interactive?.p95 ?? 0) <= 900,
      play: onGpus("interactive", burst(500, hour, seed)),
      choices: { minimum: [0, 1, 2], maximum: [8, 16, 32] },
    },
    {
      name: "bulk",
      title: "A nightly bulk of 100,000 edits, begun at two",
      pool: "bulk",
      promise: "done within 8 hours",
      kept: ({ makespan }) => makespan <= 8 * hour,
      play: onGpus("bulk", [], { batch: { lines: 100_000, at: 2 * hour, rules: batch } }),
      choices: { maximum: [8, 16, 24, 32], targetWait: [120, 240, 1800] },
    },
    {
      name: "small",
      title: "A small deployment without GPUs, the bundled model: 2,000 edits and 100 learnings a day",
      pool: "interactive",
      promise: "95 of 100 edits start within 20 s",
      kept: ({ waits }) => (waits.interactive?.p95 ?? 0) <= 20,
      play: (turned, weather = usual) => ({
        ...{ pool: "interactive", times: bundledModelOnCpu, seed, prices: cpuPrices },
        arrivals: mobileDay(2_000, 100, seed),
        rules: { ...deployed("cpu-only", "interactive", turned), weather },
      }),
      choices: { minimum: [0, 1], idleAfter: [600, 3600] },
    },
  ];
}

/** Every combination of the choices. */
export function combinations(choices: Case["choices"]): Turned[] {
  return Object.entries(choices).reduce<Turned[]>(
    (all, [setting, values]) =>
      all.flatMap((turned) => values.map((value) => ({ ...turned, [setting]: value }))),
    [{}],
  );
}
