import { beforeAll, describe, expect, it } from "vitest";
import { residentBytes } from "../../../engine/graph/memory-estimate.ts";
import { invert } from "../../../engine/inversion/invert.ts";
import type { LossSettings } from "../../../engine/inversion/loss-graph.ts";
import { type LossPlan, leanestLoss, planLoss } from "../../../engine/inversion/loss-plan.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { VisibleError } from "../../../shared/errors.ts";
import { drawImage } from "../images/drawn-images.ts";
import { openFixture, relativeDeviation } from "../networks/expected-values.ts";
import { randomArray, seedOf } from "../numerics/seeded-random.ts";

const wanted: LossSettings = {
  batch: 2,
  height: 16,
  width: 16,
  tokens: 3,
  space: "text",
  textGuidance: 7.5,
  mseWeight: 4,
  clipWeight: 0.1,
};
/** The same operators in another order of execution, float32. */
const samePlanTolerance = 1e-5;

let pipeline: Pipeline;
let whole: LossPlan;
beforeAll(async () => {
  const fixture = await openFixture("tiny-ip2p");
  pipeline = await openPipeline(fixture.folder, { device: "cpu", threads: 1 });
  whole = planLoss(pipeline.model, wanted, 14e9);
  return () => pipeline.dispose();
});

/** Plans for slightly less memory than the previous plan needs, until none fits. */
function everLeaner(): LossPlan[] {
  const plans = [whole];
  try {
    for (;;) plans.push(planLoss(pipeline.model, wanted, residentBytes(plans.at(-1)!.memory) - 1));
  } catch (error) {
    expect(error).toMatchObject({ code: "not_enough_memory" });
    return plans;
  }
}

describe("with decreasing memory, a batch is differentiated", () => {
  it("whole, then one by one, then with recomputed attention, then with recomputed blocks, then not at all", () => {
    const chosen = everLeaner().map(({ settings: { batch, recompute } }) => ({ batch, recompute }));
    expect(chosen[0]).toEqual({ batch: 2, recompute: undefined });
    expect(chosen.at(-1)).toEqual({ batch: 1, recompute: ["attention", "block"] });
    expect(chosen.slice(1).every(({ batch }) => batch === 1)).toBe(true);
  });

  it("with the same loss and gradient in every case", async () => {
    const plans = everLeaner().filter(({ settings }) => settings.batch === 1);
    const results = [];
    for (const { graph, settings } of plans) {
      const session = await pipeline.session(JSON.stringify(settings), () => graph);
      const feeds = graph.inputs.map(({ name, shape }) => [
        name,
        randomArray(
          shape.reduce((product, size) => product * size, 1),
          seedOf(name),
          -1,
          1,
        ),
      ]);
      results.push(await session.run({ ...Object.fromEntries(feeds), timesteps: Float32Array.of(500) }));
    }
    expect(results.length).toBeGreaterThan(1);
    for (const { loss, gradient } of results.slice(1)) {
      expect(relativeDeviation(loss!, results[0]!.loss!)).toBeLessThan(samePlanTolerance);
      expect(relativeDeviation(gradient!, results[0]!.gradient!)).toBeLessThan(samePlanTolerance);
    }
  });

  it("or is rejected with the memory that it needs", () => {
    const refused = () => planLoss(pipeline.model, wanted, 1e5);
    expect(refused).toThrow(VisibleError);
    expect(refused).toThrow(
      /needs about \d+ MB, but the limit is 100 kB\. No image size fits; allow more with --memory/,
    );
  });
});

it("a batch that never fits is rejected with a size that fits", () => {
  const least = (side: number) =>
    residentBytes(leanestLoss(pipeline.model, { ...wanted, height: side, width: side }).memory);
  const between = (least(8) + least(12)) / 2;
  expect(() => planLoss(pipeline.model, wanted, between)).toThrow(
    /^One step at 128×128 needs about \d+ MB, but the limit is \d+ MB\. Use --size 64, or allow more with --memory\.$/,
  );
});

it("a batch that does not fit is rejected before any sample is prepared", async () => {
  const small = await openPipeline(pipeline.model.folder, { device: "cpu", memory: 1000 });
  const picture = drawImage(128, 128, (u, v) => Math.sin(9 * u) * Math.cos(5 * v));
  const stages: string[] = [];
  const run = invert(
    small,
    [{ before: picture, after: picture }],
    { seed: 0 },
    {
      onEvent: ({ stage }) => void stages.push(stage),
    },
  );
  await expect(run).rejects.toMatchObject({ code: "not_enough_memory" });
  expect(new Set(stages)).toEqual(new Set(["prepare"]));
  expect(small.unetForwards).toBe(0);
  await small.dispose();
});
