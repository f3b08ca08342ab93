import type { PoolName } from "../../scaler/policy.ts";
import { bundledModelOnCpu, type Conditions, normal, type ServiceTimes } from "./assumptions.ts";
import type { BatchRules } from "./batch-feeder.ts";
import { natDay } from "./request-costs.ts";
import type { Outcome, Scenario } from "./run-scenario.ts";
import { cpuPrices, deployed, gpuPrices, type Overrides } from "./settings.ts";
import { burst, hour, mobileDay } from "./traces.ts";

/** A kind of day, its goal, and the settings to try. */
export interface Case {
  readonly name: string;
  readonly title: string;
  readonly pool: PoolName;
  readonly goal: string;
  readonly isMet: (outcome: Outcome) => boolean;
  readonly create: (overrides: Overrides, seed: number, conditions?: Conditions) => Scenario;
  /** The stage whose settings are tried. */
  readonly stage: string;
  /** All combinations are tried. */
  readonly choices: { readonly [Setting in keyof Overrides]?: readonly number[] };
}

interface CaseInputs {
  /** Of a GPU worker with the full-size model. */
  readonly times: ServiceTimes;
  readonly batch: BatchRules;
}

export function createCases({ times, batch }: CaseInputs): readonly Case[] {
  const onGpus =
    (pool: PoolName, arrivals: (seed: number) => Scenario["arrivals"], bulk: Partial<Scenario> = {}) =>
    (overrides: Overrides, seed: number, conditions: Conditions = normal): Scenario => ({
      pool,
      times,
      seed,
      arrivals: arrivals(seed),
      prices: gpuPrices,
      standing: natDay("managed"),
      rules: { ...deployed("production", pool, overrides), conditions },
      ...bulk,
    });
  return [
    {
      name: "mobile",
      title: "Mobile app: 20,000 edits and 1,000 learning jobs a day",
      stage: "production",
      pool: "interactive",
      goal: "95% of edits start within 20 s",
      isMet: ({ waits }) => (waits.interactive?.p95 ?? 0) <= 20,
      create: onGpus("interactive", (seed) => mobileDay(20_000, 1_000, seed)),
      choices: { targetWait: [20, 40, 60] },
    },
    {
      name: "quiet",
      title: "Quiet day: 200 edits and 10 learning jobs",
      stage: "production",
      pool: "interactive",
      goal: "95% of edits start within 2.5 minutes",
      isMet: ({ waits }) => (waits.interactive?.p95 ?? 0) <= 150,
      create: onGpus("interactive", (seed) => mobileDay(200, 10, seed)),
      choices: { minimum: [0, 1], idleAfter: [600, 3600] },
    },
    {
      name: "burst",
      title: "Burst: 500 jobs in one minute, 50 of them learning, and no worker before",
      stage: "production",
      pool: "interactive",
      goal: "95% of edits start within 10 minutes",
      isMet: ({ waits }) => (waits.interactive?.p95 ?? 0) <= 600,
      create: onGpus("interactive", (seed) => burst(500, hour, seed)),
      choices: { maximum: [8, 16, 32] },
    },
    {
      name: "bulk",
      title: "Nightly batch: 100,000 edits, submitted at two",
      stage: "production",
      pool: "bulk",
      goal: "done within 8 hours",
      isMet: ({ makespan }) => makespan <= 8 * hour,
      create: onGpus("bulk", () => [], { batch: { lines: 100_000, at: 2 * hour, rules: batch } }),
      choices: { maximum: [16, 24] },
    },
    {
      name: "small",
      title: "Without GPUs: the bundled model, 2,000 edits and 100 learning jobs a day",
      stage: "cpu-only",
      pool: "interactive",
      goal: "95% of edits start within 2 minutes",
      isMet: ({ waits }) => (waits.interactive?.p95 ?? 0) <= 120,
      create: (overrides, seed, conditions = normal) => ({
        pool: "interactive",
        times: bundledModelOnCpu,
        seed,
        prices: cpuPrices,
        standing: natDay("ec2"),
        arrivals: mobileDay(2_000, 100, seed),
        rules: { ...deployed("cpu-only", "interactive", overrides), conditions },
      }),
      choices: { minimum: [0, 1], idleAfter: [600, 3600] },
    },
  ];
}

/** The deployed values of the settings that a case tries. */
export function asDeployed({ stage, pool, choices }: Case): Overrides {
  const { policy, size } = deployed(stage, pool);
  const settings = Object.keys(choices) as (keyof Overrides)[];
  return Object.fromEntries(settings.map((setting) => [setting, { ...size, ...policy }[setting]]));
}

/** Every combination of the choices. */
export function combinations(choices: Case["choices"]): Overrides[] {
  return Object.entries(choices).reduce<Overrides[]>(
    (all, [setting, values]) =>
      all.flatMap((overrides) => values.map((value) => ({ ...overrides, [setting]: value }))),
    [{}],
  );
}
