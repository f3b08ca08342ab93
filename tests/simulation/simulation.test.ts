import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { badConditions, normal, type ServiceTimes } from "../../infra/simulation/assumptions.ts";
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
import { estimatedSeconds, scalingPolicy, schedulePeriod } from "../../scaler/policy.ts";
import { workerTimes } from "../../scaler/worker-times.ts";

const uninterrupted = { ...normal, interruptionsAnHour: 0 };
const steady: ServiceTimes = { edit: 6, learn: 90, variation: 0 };

/** A fixed number of workers that start at once. */
const fixed = (count: number): PoolRules => ({
  size: { minimum: count, maximum: count, onDemandBase: count },
  policy: scalingPolicy.bulk,
  requested: 0,
  machineStarts: 0,
  taskStarts: 0,
  machineIdleAfter: 0,
  refusalArrives: 0,
  conditions: uninterrupted,
});

const simulate = (scenario: Partial<Scenario> & Pick<Scenario, "rules" | "arrivals">): Outcome =>
  runScenario({ pool: "bulk", times: steady, seed: 1, prices: gpuPrices, standing: 0, ...scenario });

describe("the times of the simulation", () => {
  it("are listed in docs/simulation.md with source and date", async () => {
    const page = await readFile(new URL("../../docs/simulation.md", import.meta.url), "utf8");
    expect(page).toContain(timesTable(workerTimes));
    for (const { day, seconds, what } of Object.values(workerTimes)) {
      expect(day, what).toMatch(/^\d{4}-\d\d-\d\d$/);
      expect(seconds, what).toBeGreaterThan(0);
    }
  });

  it("are those of the scaler", () => {
    const { gpuEdit, gpuLearning, taskStarts, machineIsRequested } = workerTimes;
    expect(estimatedSeconds.interactive).toBe(gpuEdit.seconds);
    expect(estimatedSeconds.learning).toBe(gpuLearning.seconds);
    expect(deployed("production", "bulk")).toMatchObject({
      taskStarts: taskStarts.seconds,
      requested: machineIsRequested.seconds,
    });
  });
});

describe("the recommended settings", () => {
  it("are deployed", async () => {
    const page = await readFile(new URL("../../docs/simulation.md", import.meta.url), "utf8");
    const cases = createCases({ times: steady, batch: { window: 1, linesPerPass: 1, period: 1 } });
    expect(new Set(cases.map(({ stage }) => stage))).toEqual(new Set(["production", "cpu-only"]));
    const recommended = page.split("\n").filter((line) => /^\| `[\w-]+` \|/.test(line));
    expect(recommended).toEqual(cases.map((one) => adviceLine(one, asDeployed(one))));
  });
});

describe("simulated time", () => {
  it("runs events in the order of their times, and of scheduling for equal times", () => {
    const events = new EventQueue();
    const log: string[] = [];
    for (const [at, word] of [
      [5, "last"],
      [1, "first"],
      [3, "second"],
      [3, "third"],
      [2, "never"],
    ] as const) {
      const event = events.schedule(at, () => log.push(`${word} ${events.now}`));
      if (word === "never") event.canceled = true;
    }
    events.runUntil(4);
    expect(log).toEqual(["first 1", "second 3", "third 3"]);
    expect(events.now).toBe(4);
    events.runUntil(6);
    expect(log.at(-1)).toBe("last 5");
  });

  it("keeps that order for thousands of events", () => {
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
      events,
      take: (names) => queues.take(names),
      finished: () => {},
      idle: () => {},
    });
    worker.takeJobs();
    events.runUntil(until);
    return worker;
  };

  it("runs the jobs of a lane one after the other", () => {
    const jobs = [createJob("bulk", 0, 10), createJob("bulk", 0, 5)];
    run([["bulk"]], jobs, 100);
    expect(jobs.map(({ startedAt, finishedAt }) => [startedAt, finishedAt])).toEqual([
      [0, 10],
      [10, 15],
    ]);
  });

  it("shares its processor equally between busy lanes", () => {
    const jobs = [createJob("interactive", 0, 6), createJob("learning", 0, 90)];
    run([["interactive"], ["learning"]], jobs, 200);
    expect(jobs.map(({ finishedAt }) => finishedAt)).toEqual([12, 96]);
  });

  it("saves a learning job when it is stopped with a notice, and otherwise loses the time since the last checkpoint", () => {
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
  it("has the mean wait of the Pollaczek-Khinchine formula with one worker and Poisson arrivals", () => {
    // ρ = 0.6, S = 6 s without variation: the mean wait is ρ·S / 2(1 − ρ) = 4.5 s.
    const arrivals: Arrival[] = [];
    const rate = 0.1;
    let at = 0;
    for (let i = 0, state = 1; i < 60_000; i++) {
      state = (state * 48_271) % 2_147_483_647;
      at -= Math.log(state / 2_147_483_647) / rate;
      arrivals.push({ at, queue: "bulk" });
    }
    const { utilisation, unfinished, waits } = simulate({ rules: fixed(1), arrivals, longest: 20 * day });
    expect(unfinished).toBe(0);
    expect(utilisation).toBeGreaterThan(0.59 * (at / (Math.ceil(at / day) * day)));
    expect(utilisation).toBeLessThan(0.61);
    const mean = waits.bulk?.mean ?? Number.NaN;
    // 60,000 correlated waits: the standard error is about 1.5 %.
    expect(mean / 4.5).toBeGreaterThan(0.94);
    expect(mean / 4.5).toBeLessThan(1.06);
  });

  it("has no worker while idle, and the first job waits for scaler, machine and task", () => {
    const rules = { ...deployed("production", "interactive", { minimum: 0 }), conditions: uninterrupted };
    const { waits, history } = simulate({
      pool: "interactive",
      rules,
      arrivals: [{ at: 3600, queue: "interactive" }],
    });
    const start = rules.requested + rules.machineStarts + rules.taskStarts;
    const wait = waits.interactive?.p50 ?? 0;
    expect(wait).toBeGreaterThan(0.75 * start + workerTimes.wake.seconds);
    expect(wait).toBeLessThan(1.25 * start + workerTimes.wake.seconds);
    expect(history[30]).toMatchObject({ desired: 0, machines: 0 });
    expect(history.at(-1)).toMatchObject({ desired: 0, machines: 0 });
  });

  it("has at most its maximum of workers, and none after the last job", () => {
    const arrivals = Array.from({ length: 3000 }, (_, i): Arrival => ({ at: i / 10, queue: "bulk" }));
    const rules = {
      ...deployed("production", "bulk", { minimum: 0, maximum: 5 }),
      conditions: uninterrupted,
    };
    const { history, unfinished } = simulate({ rules, arrivals });
    expect(Math.max(...history.map(({ ready }) => ready))).toBe(5);
    expect(history.at(-1)).toMatchObject({ ready: 0, machines: 0, waiting: 0 });
    expect(unfinished).toBe(0);
  });

  it("finishes every job despite many Spot interruptions, and counts the lost work", () => {
    const rules = {
      ...deployed("production", "interactive", { onDemandBase: 0 }),
      conditions: { ...normal, interruptionsAnHour: 6, unannounced: 0.5 },
    };
    const { spot, unfinished, waits } = simulate({
      pool: "interactive",
      rules,
      arrivals: mobileDay(4000, 400, 3),
    });
    expect(unfinished).toBe(0);
    expect(waits.learning?.jobs).toBeGreaterThan(300);
    expect(spot.losses).toBeGreaterThan(20);
    expect(spot.repeated).toBeGreaterThan(10);
    expect(spot.lostSeconds).toBeGreaterThan(0);
    // An interruption costs an edit at most 6 s of work, and a learning job 10.
    expect(spot.lostSeconds).toBeLessThan(10 * spot.repeated);
  });

  it("finishes without Spot on on-demand machines, at their price", () => {
    const day = (conditions: Scenario["rules"]["conditions"]) =>
      simulate({
        pool: "interactive",
        arrivals: mobileDay(1000, 50, 2),
        rules: { ...deployed("production", "interactive", { onDemandBase: 0 }), conditions },
      });
    const { noSpot } = badConditions["no Spot"];
    const [usual, without] = [day(uninterrupted), day({ ...uninterrupted, noSpot })];
    expect(usual.machineHours.onDemand).toBe(0);
    expect(without.unfinished).toBe(0);
    expect(without.machineHours).toMatchObject({ spot: 0 });
    expect(without.cost.machines).toBeGreaterThan(1.5 * usual.cost.machines);
    expect(without.cost.requests).toBeCloseTo(usual.cost.requests, 9);
  });

  it("starts on-demand machines as soon as AWS reports that it has no Spot capacity", () => {
    const { noSpot } = badConditions["no Spot"];
    for (const stage of ["production", "cpu-only"]) {
      const rules = { ...deployed(stage, "interactive"), conditions: { ...uninterrupted, noSpot } };
      const { waits } = simulate({
        pool: "interactive",
        rules: { ...rules, size: { ...rules.size, onDemandBase: 0 } },
        arrivals: [{ at: 3600, queue: "interactive" }],
      });
      const start = 2 * rules.requested + rules.refusalArrives + rules.machineStarts + rules.taskStarts;
      const wait = waits.interactive?.p50 ?? 0;
      expect(wait, stage).toBeGreaterThan(0.75 * start);
      expect(wait, stage).toBeLessThan(1.25 * start + workerTimes.wake.seconds);
      expect(wait, stage).toBeLessThan(rules.policy.spotTimeout);
    }
  });

  it("starts from zero workers within two and a half minutes, in each of 200 runs", () => {
    const rules = { ...deployed("production", "interactive"), conditions: uninterrupted };
    const starts = Array.from({ length: 200 }, (_, seed) => {
      const { waits } = simulate({
        pool: "interactive",
        rules,
        seed,
        arrivals: [{ at: 3600, queue: "interactive" }],
      });
      return waits.interactive?.p50 ?? 0;
    }).sort((a, b) => a - b);
    expect(Math.max(...starts)).toBeLessThan(150);
    expect(starts[100]).toBeGreaterThan(90);
  });

  it("finishes with old counts and failing runs of the scaler, and has no worker afterwards", () => {
    const late = badConditions["counts 2 min old, a third of the scaler's runs fail"];
    const rules = { ...deployed("production", "interactive"), conditions: late };
    const { waits, history, unfinished } = simulate({
      pool: "interactive",
      rules,
      arrivals: [{ at: 3600, queue: "interactive" }],
    });
    expect(unfinished).toBe(0);
    expect(waits.interactive?.p50).toBeGreaterThan(late.countDelay - schedulePeriod);
    expect(history.at(-1)).toMatchObject({ desired: 0, machines: 0 });
  });

  it("gives the same result for the same seed, and another for another seed", () => {
    const scenario = {
      pool: "interactive" as const,
      arrivals: mobileDay(500, 20, 1),
      rules: { ...deployed("production", "interactive"), conditions: normal },
      times: { ...steady, variation: 0.2 },
    };
    expect(simulate(scenario)).toEqual(simulate(scenario));
    expect(simulate({ ...scenario, seed: 2 }).cost.machines).not.toBe(simulate(scenario).cost.machines);
  });
});

describe("a batch", () => {
  const feed = (window: number, targetWait: number) =>
    simulate({
      rules: { ...deployed("production", "bulk", { maximum: 24, targetWait }), conditions: uninterrupted },
      arrivals: [],
      batch: { lines: 5000, at: 0, rules: { window, linesPerPass: 200, period: 10 } },
    });

  it("has at most `window` lines queued", () => {
    const { history, unfinished } = feed(300, 240);
    expect(unfinished).toBe(0);
    expect(Math.max(...history.map(({ waiting }) => waiting))).toBeLessThanOrEqual(300);
  });

  it("gets one worker if its window is below one worker's target", () => {
    const workers = (outcome: Outcome) => Math.max(...outcome.history.map(({ ready }) => ready));
    expect(workers(feed(100, 1800))).toBe(1);
    expect(workers(feed(1000, 240))).toBeGreaterThan(10);
  });
});
