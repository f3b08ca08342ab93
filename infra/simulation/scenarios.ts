import type { PoolName } from "../../scaler/policy.ts";
import { bundledModelOnCpu, type ServiceTimes, usual, type Weather } from "./assumptions.ts";
import type { BatchRules } from "./batch-feeder.ts";
import { natDay } from "./request-costs.ts";
import type { Outcome, Scenario } from "./run-scenario.ts";
import { cpuPrices, deployed, gpuPrices, type Turned } from "./settings.ts";
import { burst, hour, mobileDay } from "./traces.ts";

/** A day somebody might have, what they would call good, and the settings worth trying for it. */
export interface Case {
  readonly name: string;
  readonly title: string;
  readonly pool: PoolName;
  /** Words for the promise; a day keeps it or does not. */
  readonly promise: string;
  readonly kept: (outcome: Outcome) => boolean;
  readonly play: (turned: Turned, seed: number, weather?: Weather) => Scenario;
  /** Whose settings are tried. */
  readonly stage: string;
  /** Combined, each with each; the cheapest that keeps the promise is the advice. */
  readonly choices: { readonly [Setting in keyof Turned]?: readonly number[] };
}

interface CaseInputs {
  /** Of one worker with the real model, seconds. */
  readonly times: ServiceTimes;
  readonly batch: BatchRules;
}

export function createCases({ times, batch }: CaseInputs): readonly Case[] {
  const onGpus =
    (pool: PoolName, arrivals: (seed: number) => Scenario["arrivals"], bulk: Partial<Scenario> = {}) =>
    (turned: Turned, seed: number, weather: Weather = usual): Scenario => ({
      ...{ pool, times, seed, arrivals: arrivals(seed), prices: gpuPrices, standing: natDay("managed") },
      rules: { ...deployed("production", pool, turned), weather },
      ...bulk,
    });
  return [
    {
      name: "mobile",
      title: "A mobile app's day: 20,000 edits and 1,000 learnings, by the hour",
      stage: "production",
      pool: "interactive",
      promise: "95 of 100 edits start within 20 s",
      kept: ({ waits }) => (waits.interactive?.p95 ?? 0) <= 20,
      play: onGpus("interactive", (seed) => mobileDay(20_000, 1_000, seed)),
      choices: { targetWait: [20, 40, 60] },
    },
    {
      name: "quiet",
      title: "A quiet day: 200 edits and 10 learnings",
      stage: "production",
      pool: "interactive",
      promise: "95 of 100 edits start within 5 minutes, which is one cold start",
      kept: ({ waits }) => (waits.interactive?.p95 ?? 0) <= 300,
      play: onGpus("interactive", (seed) => mobileDay(200, 10, seed)),
      choices: { minimum: [0, 1], idleAfter: [600, 3600] },
    },
    {
      name: "burst",
      title: "A pay-per-use burst: from nothing to 500 jobs in a minute, 50 of them learnings",
      stage: "production",
      pool: "interactive",
      promise: "95 of 100 edits start within 10 minutes",
      kept: ({ waits }) => (waits.interactive?.p95 ?? 0) <= 600,
      play: onGpus("interactive", (seed) => burst(500, hour, seed)),
      choices: { maximum: [8, 16, 32] },
    },
    {
      name: "bulk",
      title: "A nightly bulk of 100,000 edits, begun at two",
      stage: "production",
      pool: "bulk",
      promise: "done within 8 hours",
      kept: ({ makespan }) => makespan <= 8 * hour,
      play: onGpus("bulk", () => [], { batch: { lines: 100_000, at: 2 * hour, rules: batch } }),
      choices: { maximum: [16, 24] },
    },
    {
      name: "small",
      title: "A small deployment without GPUs, the bundled model: 2,000 edits and 100 learnings a day",
      stage: "cpu-only",
      pool: "interactive",
      promise: "95 of 100 edits start within 2 minutes, which is one cold start",
      kept: ({ waits }) => (waits.interactive?.p95 ?? 0) <= 120,
      play: (turned, seed, weather = usual) => ({
        ...{
          pool: "interactive",
          times: bundledModelOnCpu,
          seed,
          prices: cpuPrices,
          standing: natDay("ec2"),
        },
        arrivals: mobileDay(2_000, 100, seed),
        rules: { ...deployed("cpu-only", "interactive", turned), weather },
      }),
      choices: { minimum: [0, 1], idleAfter: [600, 3600] },
    },
  ];
}

/** What a day turns, as it is deployed. */
export function asDeployed({ stage, pool, choices }: Case): Turned {
  const { policy, size } = deployed(stage, pool);
  const settings = Object.keys(choices) as (keyof Turned)[];
  return Object.fromEntries(settings.map((setting) => [setting, { ...size, ...policy }[setting]]));
}

/** Every combination of the choices. */
export function combinations(choices: Case["choices"]): Turned[] {
  return Object.entries(choices).reduce<Turned[]>(
    (all, [setting, values]) =>
      all.flatMap((turned) => values.map((value) => ({ ...turned, [setting]: value }))),
    [{}],
  );
}
