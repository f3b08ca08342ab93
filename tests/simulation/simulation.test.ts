import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { badWeather, type ServiceTimes, usual, wakeDelay } from "../../infra/simulation/assumptions.ts";
import { EventQueue } from "../../infra/simulation/event-queue.ts";
import { createJob, type Job } from "../../infra/simulation/job.ts";
import { JobQueues } from "../../infra/simulation/job-queues.ts";
import type { PoolRules } from "../../infra/simulation/pool.ts";
import { adviceLine, timesTable } from "../../infra/simulation/report.ts";
import { type Outcome, runScenario, type Scenario } from "../../infra/simulation/run-scenario.ts";
import { asDeployed, createCases } from "../../infra/simulation/scenarios.ts";
import { deployed, gpuPrices } from "../../infra/simulation/settings.ts";
import { type Arrival, day, mobileDay } from "../../infra/simulation/traces.ts";
import { Worker } from "../../infra/simulation/worker.ts";
import { lookPeriod, reckonedSeconds, scalingPolicy } from "../../scaler/policy.ts";
import { workerTimes } from "../../scaler/worker-times.ts";

const calm = { ...usual, interruptionsAnHour: 0 };
const steady: ServiceTimes = { edit: 6, learn: 90, variation: 0 };

/** Workers that are always there, at once. */
const always = (count: number): PoolRules => ({
  ...{ size: { minimum: count, maximum: count, onDemandBase: count }, policy: scalingPolicy.bulk },
  ...{ noticed: 0, machineStarts: 0, taskStarts: 0, machineIdleAfter: 0, weather: calm },
});

const play = (scenario: Partial<Scenario> & Pick<Scenario, "rules" | "arrivals">): Outcome =>
  runScenario({ pool: "bulk", times: steady, seed: 1, prices: gpuPrices, standing: 0, ...scenario });

describe("the times that the simulation takes for given", () => {
  it("stand in its page as they stand in the file, and each says since when it is known and how", async () => {
    const page = await readFile(new URL("../../docs/simulation.md", import.meta.url), "utf8");
    expect(page).toContain(timesTable(workerTimes));
    for (const { day, seconds, what } of Object.values(workerTimes)) {
      expect(day, what).toMatch(/^\d{4}-\d\d-\d\d$/);
      expect(seconds, what).toBeGreaterThan(0);
    }
  });

  it("are those that scaling reckons with", () => {
    const { gpuEdit, gpuLearning, taskStarts, capacityIsNoticed } = workerTimes;
    expect(reckonedSeconds.interactive).toBe(gpuEdit.seconds);
    expect(reckonedSeconds.learning).toBe(gpuLearning.seconds);
    expect(deployed("production", "bulk")).toMatchObject({
      taskStarts: taskStarts.seconds,
      noticed: capacityIsNoticed.seconds,
    });
  });
});

describe("the advice of the simulation", () => {
  it("is what is deployed", async () => {
    const page = await readFile(new URL("../../docs/simulation.md", import.meta.url), "utf8");
    const cases = createCases({ times: steady, batch: { window: 1, handful: 1, lookEvery: 1 } });
    expect(new Set(cases.map(({ stage }) => stage))).toEqual(new Set(["production", "cpu-only"]));
    const told = page.split("\n").filter((line) => /^\| `[\w-]+` \|/.test(line));
    expect(told).toEqual(cases.map((one) => adviceLine(one, asDeployed(one))));
  });
});

describe("simulated time", () => {
  it("runs appointments in the order of their seconds, and of their making where these agree", () => {
    const events = new EventQueue();
    const said: string[] = [];
    for (const [at, word] of [
      [5, "last"],
      [1, "first"],
      [3, "second"],
      [3, "third"],
      [2, "never"],
    ] as const) {
      const made = events.schedule(at, () => said.push(`${word} ${events.now}`));
      if (word === "never") made.cancelled = true;
    }
    events.runUntil(4);
    expect(said).toEqual(["first 1", "second 3", "third 3"]);
    expect(events.now).toBe(4);
    events.runUntil(6);
    expect(said.at(-1)).toBe("last 5");
  });

  it("keeps that order for thousands made in disorder", () => {
    const events = new EventQueue();
    const seen: number[] = [];
    for (let i = 0; i < 5000; i++) events.schedule((i * 7919) % 5000, () => seen.push(events.now));
    events.runUntil(5000);
    expect(seen).toEqual(Array.from({ length: 5000 }, (_, i) => i));
  });
});

describe("a worker", () => {
  const run = (lanes: ConstructorParameters<typeof Worker>[0], jobs: readonly Job[], until: number) => {
    const events = new EventQueue();
    const queues = new JobQueues();
    for (const job of jobs) queues.put(job);
    const worker = new Worker(lanes, {
      ...{ events, take: (names) => queues.take(names), finished: () => {}, idle: () => {} },
    });
    worker.look();
    events.runUntil(until);
    return worker;
  };

  it("does a lane's jobs one after another", () => {
    const jobs = [createJob("bulk", 0, 10), createJob("bulk", 0, 5)];
    run([["bulk"]], jobs, 100);
    expect(jobs.map(({ startedAt, finishedAt }) => [startedAt, finishedAt])).toEqual([
      [0, 10],
      [10, 15],
    ]);
  });

  it("shares its processor between lanes: an edit beside a learning takes twice as long, and the learning that much more", () => {
    const jobs = [createJob("interactive", 0, 6), createJob("learning", 0, 90)];
    run([["interactive"], ["learning"]], jobs, 200);
    expect(jobs.map(({ finishedAt }) => finishedAt)).toEqual([12, 96]);
  });

  it("saves a learning's work when it is told to go, and loses at most a saved state's age when it is not", () => {
    const stopped = (notice: boolean) => {
      const jobs = [createJob("interactive", 0, 60), createJob("learning", 0, 90)];
      run([["interactive"], ["learning"]], jobs, 50).stop(notice);
      return jobs.map(({ saved, lost }) => ({ saved, lost }));
    };
    expect(stopped(true)).toEqual([
      { saved: 0, lost: 25 },
      { saved: 25, lost: 0 },
    ]);
    expect(stopped(false)).toEqual([
      { saved: 0, lost: 25 },
      { saved: 20, lost: 5 },
    ]);
  });
});

describe("a pool", () => {
  it("makes jobs wait as queueing theory says: one worker, Poisson arrivals (Pollaczek and Khinchine)", () => {
    // ρ = 0.6, S = 6 s without variation: the mean wait is ρ·S / 2(1 − ρ) = 4.5 s.
    const arrivals: Arrival[] = [];
    const rate = 0.1;
    let at = 0;
    for (let i = 0, state = 1; i < 60_000; i++) {
      state = (state * 48_271) % 2_147_483_647;
      at -= Math.log(state / 2_147_483_647) / rate;
      arrivals.push({ at, queue: "bulk" });
    }
    const { utilisation, unfinished, waits } = play({ rules: always(1), arrivals, longest: 20 * day });
    expect(unfinished).toBe(0);
    expect(utilisation).toBeGreaterThan(0.59 * (at / (Math.ceil(at / day) * day)));
    expect(utilisation).toBeLessThan(0.61);
    const mean = waits.bulk?.mean ?? Number.NaN;
    // 60,000 correlated waits: the standard error is about 1.5 %.
    expect(mean / 4.5).toBeGreaterThan(0.94);
    expect(mean / 4.5).toBeLessThan(1.06);
  });

  it("has no worker at rest, and the first job waits for the scaler, machine and task", () => {
    const rules = { ...deployed("production", "interactive", { minimum: 0 }), weather: calm };
    const { waits, history } = play({
      ...{ pool: "interactive", rules, arrivals: [{ at: 3600, queue: "interactive" }] },
    });
    const start = rules.noticed + rules.machineStarts + rules.taskStarts;
    const wait = waits.interactive?.p50 ?? 0;
    expect(wait).toBeGreaterThan(0.75 * start + wakeDelay);
    expect(wait).toBeLessThan(1.25 * start + wakeDelay);
    expect(history[30]).toMatchObject({ desired: 0, machines: 0 });
    expect(history.at(-1)).toMatchObject({ desired: 0, machines: 0 });
  });

  it("never has more workers than its maximum, and all go when all is done", () => {
    const arrivals = Array.from({ length: 3000 }, (_, i): Arrival => ({ at: i / 10, queue: "bulk" }));
    const rules = { ...deployed("production", "bulk", { minimum: 0, maximum: 5 }), weather: calm };
    const { history, unfinished } = play({ rules, arrivals });
    expect(Math.max(...history.map(({ ready }) => ready))).toBe(5);
    expect(history.at(-1)).toMatchObject({ ready: 0, machines: 0, waiting: 0 });
    expect(unfinished).toBe(0);
  });

  it("loses no job to a storm of Spot losses, and says what work was lost", () => {
    const rules = {
      ...deployed("production", "interactive", { onDemandBase: 0 }),
      weather: { ...usual, interruptionsAnHour: 6, unannounced: 0.5 },
    };
    const { spot, unfinished, waits } = play({
      ...{ pool: "interactive", rules, arrivals: mobileDay(4000, 400, 3) },
    });
    expect(unfinished).toBe(0);
    expect(waits.learning?.jobs).toBeGreaterThan(300);
    expect(spot.losses).toBeGreaterThan(20);
    expect(spot.repeated).toBeGreaterThan(10);
    expect(spot.lostSeconds).toBeGreaterThan(0);
    // An edit loses 6 s at most (12 beside a learning is still 6 of work), a learning 10.
    expect(spot.lostSeconds).toBeLessThan(10 * spot.repeated);
  });

  it("finishes without Spot, on machines that come after the scaler's patience, at another price", () => {
    const day = (weather: Scenario["rules"]["weather"]) =>
      play({
        ...{ pool: "interactive", arrivals: mobileDay(1000, 50, 2) },
        rules: { ...deployed("production", "interactive", { onDemandBase: 0 }), weather },
      });
    const [usualDay, without] = [day(calm), day({ ...calm, noSpot: badWeather["no Spot"].noSpot })];
    expect(usualDay.machineHours.onDemand).toBe(0);
    expect(without.unfinished).toBe(0);
    expect(without.machineHours).toMatchObject({ spot: 0 });
    expect(without.cost.machines).toBeGreaterThan(1.5 * usualDay.cost.machines);
    expect(without.cost.requests).toBeCloseTo(usualDay.cost.requests, 9);
  });

  it("is woken by the schedule where the first look is spoilt, and loses nobody to old counts", () => {
    const late = badWeather["counts two minutes late, a third of the calls refused"];
    const rules = { ...deployed("production", "interactive"), weather: late };
    const { waits, history, unfinished } = play({
      ...{ pool: "interactive", rules, arrivals: [{ at: 3600, queue: "interactive" }] },
    });
    expect(unfinished).toBe(0);
    expect(waits.interactive?.p50).toBeGreaterThan(late.countsLate - lookPeriod);
    expect(history.at(-1)).toMatchObject({ desired: 0, machines: 0 });
  });

  it("plays the same from the same seed, and otherwise from another", () => {
    const scenario = {
      ...{ pool: "interactive" as const, arrivals: mobileDay(500, 20, 1) },
      rules: { ...deployed("production", "interactive"), weather: usual },
      times: { ...steady, variation: 0.2 },
    };
    expect(play(scenario)).toEqual(play(scenario));
    expect(play({ ...scenario, seed: 2 }).cost.machines).not.toBe(play(scenario).cost.machines);
  });
});

describe("a batch", () => {
  const fed = (window: number, targetWait: number) =>
    play({
      rules: { ...deployed("production", "bulk", { maximum: 24, targetWait }), weather: calm },
      arrivals: [],
      batch: { lines: 5000, at: 0, rules: { window, handful: 200, lookEvery: 10 } },
    });

  it("never has more lines out than its window", () => {
    const { history, unfinished } = fed(300, 240);
    expect(unfinished).toBe(0);
    expect(Math.max(...history.map(({ waiting }) => waiting))).toBeLessThanOrEqual(300);
  });

  it("with a window below one worker's target wakes one worker and never a second", () => {
    const workers = (outcome: Outcome) => Math.max(...outcome.history.map(({ ready }) => ready));
    expect(workers(fed(100, 1800))).toBe(1);
    expect(workers(fed(1000, 240))).toBeGreaterThan(10);
  });
});
