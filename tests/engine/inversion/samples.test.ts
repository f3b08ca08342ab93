import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { editFitted } from "../../../engine/editing/edit.ts";
import { InversionLoss } from "../../../engine/inversion/inversion-loss.ts";
import { invert } from "../../../engine/inversion/invert.ts";
import { drawTrainingSamples } from "../../../engine/inversion/samples.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { trainingNoise } from "../../../engine/random/training-noise.ts";
import {
  createScheduler,
  type SchedulerKind,
  schedulerKinds,
} from "../../../engine/schedulers/create-scheduler.ts";
import { makeNoiseSchedule } from "../../../engine/schedulers/noise-schedule.ts";
import { parseSchedulerConfig } from "../../../engine/schedulers/scheduler-config.ts";
import { drawImage } from "../images/drawn-images.ts";
import { makeInstruction } from "../instruction/made-instruction.ts";
import { openFixture } from "../networks/expected-values.ts";

vi.mock(import("../../../engine/random/training-noise.ts"), async (load) => {
  const actual = await load();
  return { ...actual, trainingNoise: vi.fn(actual.trainingNoise) };
});
/** Requested and returned noise since the last call. */
const noises = () => {
  const { calls, results } = vi.mocked(trainingNoise).mock;
  return calls.map(([seed, timestep], i) => ({ seed, timestep, noise: results[i]!.value as Float32Array }));
};
afterEach(() => void vi.mocked(trainingNoise).mockClear());

/** Of InstructPix2Pix. */
const published = parseSchedulerConfig(
  { beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear", steps_offset: 1 },
  "config",
);
const latents = { channels: 1, height: 1, width: 2, data: Float32Array.of(0.5, -0.5) };
const pair = { before: latents, after: latents };

it("training samples use the sampler's timesteps, one per stratum, and random ones elsewhere", () => {
  const schedule = makeNoiseSchedule(published);
  const visited = createScheduler("ddim", { ...published, timestepSpacing: "trailing" }, 4).timesteps;
  expect(visited).toEqual([999, 749, 499, 249]);
  const plain = drawTrainingSamples([pair], schedule, 64, 5);
  const guided = drawTrainingSamples([pair], schedule, 64, 5, visited);
  expect(guided.map(({ timestep }) => timestep)).toEqual(expect.arrayContaining([...visited]));
  const width = schedule.trainTimesteps / 64;
  for (const [i, { timestep }] of guided.entries()) {
    expect(timestep).toBeGreaterThanOrEqual(Math.floor(i * width));
    expect(timestep).toBeLessThan((i + 1) * width);
  }
  const moved = guided.filter(({ timestep }, i) => timestep !== plain[i]!.timestep);
  expect(moved.length).toBeLessThanOrEqual(4);
  for (const { timestep } of moved) expect(visited).toContain(timestep);
  const all = drawTrainingSamples([pair], schedule, schedule.trainTimesteps, 5, visited);
  expect(all.map(({ timestep }) => timestep)).toEqual(
    Array.from({ length: schedule.trainTimesteps }, (_, t) => t),
  );
});

describe("an edit with fixed noise uses only noise of the training", () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await openPipeline((await openFixture("tiny-ip2p")).folder, { device: "cpu" });
  });
  afterAll(() => pipeline.dispose());
  const image = drawImage(64, 64, (u, v) => Math.sin(9 * u) * Math.cos(5 * v));

  /** Step counts that a model's defaults may name. */
  const cases: [SchedulerKind, number][] = schedulerKinds.flatMap((kind) =>
    [2, 4, 10, 20].map((steps): [SchedulerKind, number] => [kind, steps]),
  );
  it.each([...cases, ["ddim", 1], ["euler-ancestral", 1], ["lcm", 1]] as [SchedulerKind, number][])(
    "if the model's default is %s in %d steps",
    async (scheduler, steps) => {
      const { defaults } = pipeline.model;
      Object.assign(pipeline, {
        defaults: { ...defaults, sampler: { ...defaults.sampler, scheduler, steps } },
      });
      const seed = 7;
      const instruction = await makeInstruction(pipeline, "a red apple", { seed });
      await editFitted(pipeline, [image], { instruction }, { seed: 1 });
      const used = noises();
      vi.mocked(trainingNoise).mockClear();
      // Learning stops after it has drawn its samples.
      const plan = vi.spyOn(InversionLoss.prototype, "plan").mockImplementation(() => {
        throw new Error("drawn");
      });
      const learning = invert(pipeline, [{ before: image, after: image }], {
        init: "a red apple",
        seed,
        overrides: { samples: 64, clipWeight: 0 },
      });
      await expect(learning).rejects.toThrow("drawn");
      plan.mockRestore();
      const trained = new Map(noises().map(({ timestep, noise }) => [timestep, noise]));
      expect(used.length).toBeGreaterThan(0);
      for (const each of used) {
        expect(each.seed).toBe(seed);
        expect(each.noise).toEqual(trained.get(Math.round(each.timestep)));
      }
      // The strata between the sampler's timesteps remain.
      expect(trained.size).toBeGreaterThanOrEqual(64);
    },
  );
});
