import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lossesOf } from "../../../engine/instruction/instruction.ts";
import { type InversionHooks, invert } from "../../../engine/inversion/invert.ts";
import {
  afterGoodStep,
  differentiate,
  initialLossScale,
  type LossScale,
} from "../../../engine/inversion/loss-scale.ts";
import type { InversionOptions } from "../../../engine/inversion/settings.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { drawImage } from "../images/drawn-images.ts";
import { openFixture } from "../networks/expected-values.ts";

/**
 * A loss whose gradient in float32 is g, as computed by a half-precision graph: scaled, clipped to the range,
 * unscaled.
 */
const lossOf = (g: number, value = 1) => {
  const asked: number[] = [];
  return {
    asked,
    evaluate: async (_samples: unknown, _instruction: unknown, scale = 1) => {
      asked.push(scale);
      const cotangent = g * scale;
      const held = Math.abs(cotangent) >= 65520 ? Number.POSITIVE_INFINITY : cotangent;
      return { loss: value, mse: value, gradient: Float32Array.of(held / scale) };
    },
  };
};

describe("the scale of the loss", () => {
  it("stays, and counts updates, while gradients are finite", async () => {
    const loss = lossOf(1);
    const made = await differentiate(loss, [], new Float32Array(1), initialLossScale);
    expect(made).toMatchObject({
      gradient: Float32Array.of(1),
      lossScale: { factor: 2 ** 15, goodSteps: 1 },
    });
    expect(loss.asked).toEqual([2 ** 15]);
  });

  it("is halved until the batch's gradient is finite, which is returned unscaled", async () => {
    const loss = lossOf(20);
    const made = await differentiate(loss, [], new Float32Array(1), initialLossScale);
    expect(loss.asked).toEqual([2 ** 15, 2 ** 14, 2 ** 13, 2 ** 12, 2 ** 11]);
    expect(made).toMatchObject({
      gradient: Float32Array.of(20),
      lossScale: { factor: 2 ** 11, goodSteps: 1 },
    });
  });

  it("is doubled after 200 updates in a row, and never beyond 2²⁴", () => {
    let scale: LossScale = { factor: 2 ** 23, goodSteps: 0 };
    const factors = new Set<number>();
    for (let step = 0; step < 600; step++) {
      scale = afterGoodStep(scale);
      factors.add(scale.factor);
      if (step === 198) expect(scale).toEqual({ factor: 2 ** 23, goodSteps: 199 });
      if (step === 199) expect(scale).toEqual({ factor: 2 ** 24, goodSteps: 0 });
    }
    expect([...factors]).toEqual([2 ** 23, 2 ** 24]);
  });

  it("throws if no scale helps", async () => {
    await expect(
      differentiate(lossOf(Number.POSITIVE_INFINITY), [], new Float32Array(1), initialLossScale),
    ).rejects.toMatchObject({ code: "half_precision_overflow", message: expect.stringMatching(/fp32/) });
  });

  it("throws at once if the loss itself is not finite", async () => {
    const loss = lossOf(Number.NaN, Number.POSITIVE_INFINITY);
    expect((await differentiate(loss, [], new Float32Array(1), initialLossScale)).loss).toBe(
      Number.POSITIVE_INFINITY,
    );
    expect(loss.asked).toHaveLength(1);
  });

  it("is not used in float32", async () => {
    const loss = lossOf(3);
    expect(await differentiate(loss, [], new Float32Array(1), undefined)).not.toHaveProperty("lossScale");
    expect(loss.asked).toEqual([1]);
  });
});

describe("invert in half precision", () => {
  let whole: Pipeline;
  let half: Pipeline;
  beforeAll(async () => {
    const { folder } = await openFixture("tiny-mini");
    whole = await openPipeline(folder, { device: "cpu" });
    half = await openPipeline(folder, { device: "cpu", precision: "fp16" });
  });
  afterAll(async () => {
    await whole.dispose();
    await half.dispose();
  });

  const before = drawImage(64, 32, (u, v) => Math.sin(9 * u) * Math.cos(5 * v));
  const pair = { before, after: { ...before, data: before.data.map((x) => -x) } };
  const options: InversionOptions = {
    init: "a red apple",
    steps: 12,
    seed: 3,
    batchSize: 2,
    learningRate: 0.05,
    overrides: { samples: 8, validationSamples: 4, validationEvery: 4 },
  };
  const learn = (pipeline: Pipeline, changes: Partial<InversionOptions> = {}, hooks: InversionHooks = {}) =>
    invert(pipeline, [pair], { ...options, ...changes }, hooks);

  it("lowers the validation loss as float32 does", async () => {
    const [inHalf, inWhole] = [await learn(half, { steps: 40 }), await learn(whole, { steps: 40 })];
    const { validation, initialValidation } = lossesOf(inHalf.info);
    expect(validation).toBeLessThan(0.98 * initialValidation);
    expect(validation).toBeCloseTo(lossesOf(inWhole.info).validation, 2);
    expect(inHalf.info.hyperParameters.precision).toBe("fp16");
    expect(inWhole.info.hyperParameters).not.toHaveProperty("precision");
  });

  it("starts with a scale that is too large, retries, and loses no update", async () => {
    const { info } = await learn(half);
    expect(lossesOf(info).curve.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    // Each step differentiates the batch of two once. Discarded attempts are counted too.
    expect(info.counts.unetBackwards).toBeGreaterThan(12 * 2);
  });

  it("ends in the same bits after an interruption and resume, with the same scale", async () => {
    const uninterrupted = await learn(half);
    const abort = new AbortController();
    let saved: Uint8Array | undefined;
    const interrupted = learn(
      half,
      {},
      {
        signal: abort.signal,
        onEvent: ({ stage, step }) => {
          if (stage === "learn" && step === 5) abort.abort(new Error("that is enough"));
        },
        onCheckpoint: async (state) => {
          saved = state;
        },
      },
    );
    await expect(interrupted).rejects.toThrow("that is enough");
    const continued = await learn(half, {}, { resume: saved! });
    expect(continued.tokens).toEqual(uninterrupted.tokens);
    expect(continued.info).toEqual(uninterrupted.info);
    // The scale is part of the state. Finding it again would have cost further attempts.
    expect(Buffer.from(saved!).toString("latin1")).toMatch(
      /lossScale\\":\{\\"factor\\":\d+,\\"goodSteps\\":[1-5]\}/,
    );
    await expect(learn(whole, {}, { resume: saved! })).rejects.toMatchObject({ code: "cannot_resume" });
  });
});
