import { expect, it } from "vitest";
import { drawTrainingSamples } from "../../../engine/inversion/samples.ts";
import { openPipeline } from "../../../engine/pipeline/pipeline.ts";
import { makeNoiseSchedule } from "../../../engine/schedulers/noise-schedule.ts";
import { createScheduler } from "../../../engine/schedulers/scheduler.ts";
import { openFixture } from "../networks/expected-values.ts";

it("training samples take the timesteps that the sampler visits, one to a stratum, and leave the others as drawn", async () => {
  const pipeline = await openPipeline((await openFixture("tiny-mini")).folder, { device: "cpu" });
  const config = pipeline.model.scheduler;
  const schedule = makeNoiseSchedule(config);
  const latents = { channels: 1, height: 1, width: 2, data: Float32Array.of(0.5, -0.5) };
  const pair = { before: latents, after: latents };
  const visited = createScheduler("ddim", config, 4).timesteps;
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
  await pipeline.dispose();
});
