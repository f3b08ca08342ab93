import { beforeAll, describe, expect, it } from "vitest";
import { residentBytes } from "../../gpu-worker/graph/memory-estimate.ts";
import type { LossSettings } from "../../gpu-worker/inversion/loss-graph.ts";
import { type LossPlan, planLoss } from "../../gpu-worker/inversion/loss-plan.ts";
import { openPipeline, type Pipeline } from "../../gpu-worker/pipeline/pipeline.ts";
import { VisibleError } from "../../shared/errors.ts";
import { openFixture, relativeDeviation } from "../models/expected-values.ts";
import { randomArray, seedOf } from "../numerics/seeded-random.ts";

const wanted: LossSettings = {
  ...{ batch: 2, height: 16, width: 16, tokens: 3, space: "text" },
  ...{ textGuidance: 7.5, mseWeight: 4, clipWeight: 0.1 },
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

/** Each plan for a little less than the one before takes, until none fits. */
function everLeaner(): LossPlan[] {
  const plans = [whole];
  try {
    for (;;) plans.push(planLoss(pipeline.model, wanted, residentBytes(plans.at(-1)!.memory) - 1));
  } catch (error) {
    expect(error).toMatchObject({ code: "not_enough_memory" });
    return plans;
  }
}

describe("with less and less memory, a batch is differentiated", () => {
  it("whole, then one by one, then with attention and then blocks computed twice, and then not at all", () => {
    const chosen = everLeaner().map(({ settings: { batch, recompute } }) => ({ batch, recompute }));
    expect(chosen[0]).toEqual({ batch: 2, recompute: undefined });
    expect(chosen.at(-1)).toEqual({ batch: 1, recompute: ["attention", "block"] });
    expect(chosen.slice(1).every(({ batch }) => batch === 1)).toBe(true);
  });

  it("with the same loss and gradient, however it is done", async () => {
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

  it("or is refused with what it would take", () => {
    const refused = () => planLoss(pipeline.model, wanted, 1e5);
    expect(refused).toThrow(VisibleError);
    expect(refused).toThrow(/takes about 0\.0 GB, and 0\.0 GB are allowed; choose a smaller size/);
  });
});
