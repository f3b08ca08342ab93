import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lossesOf } from "../../../engine/instruction/instruction.ts";
import { openRows } from "../../../engine/inversion/instruction-space.ts";
import { invert } from "../../../engine/inversion/invert.ts";
import { lossGraph } from "../../../engine/inversion/loss-graph.ts";
import type { InversionOptions } from "../../../engine/inversion/settings.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";
import { drawImage } from "../images/drawn-images.ts";
import { openFixture, relativeDeviation } from "../networks/expected-values.ts";

/** Measured 2e-7 … 2e-6 against torch autograd in float64. */
const gradientAgreement = 2e-5;
/**
 * Measured 0: the same products. Another machine may round one of them differently if it splits the
 * rows differently.
 */
const sameProjection = 1e-6;
const textGuidance = 7.5;
const imageGuidance = 1.5;

describe.each([
  ["tiny-ip2p", [0, 1]],
  ["tiny-mini", [0, 1, 2]],
  ["tiny-sdxl", [0, 1]],
] as const)("keys and values as the instruction, %s", (name, cases) => {
  let pipeline: Pipeline;
  let fixture: Awaited<ReturnType<typeof openFixture>>;
  beforeAll(async () => {
    fixture = await openFixture(name);
    pipeline = await openPipeline(fixture.folder, { device: "cpu" });
  });
  afterAll(() => pipeline.dispose());

  it("exist for every cross-attention of the checkpoint", () => {
    const { names } = pipeline.model.unet.component.checkpoint;
    const projections = [...names].flatMap((key) => /^(.+)\.(?:to_k|k_proj)\.weight$/.exec(key)?.[1] ?? []);
    const toText = projections.filter((place) => !place.endsWith(".attn1")).sort();
    expect(toText.length).toBeGreaterThan(3);
    expect(pipeline.textAttentions.map(({ name: place }) => place)).toEqual(toText);
  });

  it("predict like the init text before the first step", async () => {
    const rows = await openRows(pipeline, { init: "a red apple", space: "kv" });
    const told = await pipeline.encodePrompt("a red apple");
    const [, , height, width] = fixture.shape("inputs.loss.0.after") as [number, number, number, number];
    const samples = {
      latents: await fixture.floats("outputs.loss.0.noisy"),
      image: await fixture.floats("inputs.loss.0.before"),
      timesteps: Float32Array.of(37),
      height,
      width,
    };
    const worded = await pipeline.predict({ ...samples, ...told });
    const learned = await pipeline.predict({ ...samples, ...rows.conditioning(rows.initial) });
    expect(relativeDeviation(learned, worded)).toBeLessThan(sameProjection);
    const moved = rows.initial.map((x) => x + 0.1);
    const elsewhere = await pipeline.predict({ ...samples, ...rows.conditioning(moved) });
    expect(relativeDeviation(elsewhere, worded)).toBeGreaterThan(1e-3);
  });

  it.each(cases)("have the loss and the gradient of torch autograd (case %i)", async (index) => {
    const input = (key: string) => fixture.floats(`inputs.loss.${index}.${key}`);
    const output = (key: string) => fixture.floats(`outputs.loss.${index}.${key}`);
    const expected = (key: string) => fixture.floats(`outputs.kv.${index}.${key}`);
    const [, , height, width] = fixture.shape(`inputs.loss.${index}.after`) as [
      number,
      number,
      number,
      number,
    ];
    const [tokens] = fixture.shape(`inputs.kv.${index}.rows`) as [number];
    const [timestep] = (await fixture.integers(`inputs.loss.${index}.timestep`)) as [number];
    const none = await output("prediction_none");
    const frozen = (await output("prediction_image")).map(
      (image, i) => (imageGuidance - textGuidance) * image + (1 - imageGuidance) * none[i]!,
    );
    const size = { batch: 1, height, width };
    const session = await pipeline.session("loss", () =>
      optimize(
        lossGraph(pipeline.model, {
          ...size,
          space: "kv",
          tokens,
          textGuidance,
          mseWeight: 4,
          clipWeight: 0,
        }),
      ),
    );
    const samples = {
      latents: await output("noisy"),
      image: await input("before"),
      timesteps: Float32Array.of(timestep),
      text: await input("instruction"),
      ...(await fixture.pooled("inputs.loss.pooled")),
    };
    const target = await output("target");
    const rows = await fixture.floats(`inputs.kv.${index}.rows`);
    const { loss, mse, gradient } = await session.run({ ...samples, target, frozen, instruction: rows });
    const prediction = await pipeline.predict({ ...samples, learned: rows, height, width });
    expect(relativeDeviation(prediction, await expected("prediction_text"))).toBeLessThan(gradientAgreement);
    expect(relativeDeviation(loss!, await expected("loss"))).toBeLessThan(gradientAgreement);
    expect(relativeDeviation(mse!, await expected("mse"))).toBeLessThan(gradientAgreement);
    expect(relativeDeviation(gradient!, await expected("gradient"))).toBeLessThan(gradientAgreement);
  });
});

describe("invert in the space kv", () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await openPipeline((await openFixture("tiny-mini")).folder, { device: "cpu" });
  });
  afterAll(() => pipeline.dispose());

  const before = drawImage(64, 32, (u, v) => Math.sin(9 * u) * Math.cos(5 * v));
  const pair = { before, after: { ...before, data: before.data.map((x) => -x) } };
  const options: InversionOptions = {
    init: "a red apple",
    space: "kv",
    steps: 12,
    seed: 3,
    batchSize: 2,
    learningRate: 0.05,
    overrides: { samples: 8, validationSamples: 4, validationEvery: 4 },
  };

  it("starts at the init's validation loss and lowers it", async () => {
    const [inKv, inText] = [
      await invert(pipeline, [pair], { ...options, steps: 40 }),
      await invert(pipeline, [pair], { ...options, space: "text", steps: 1 }),
    ];
    const { validation, initialValidation } = lossesOf(inKv.info);
    expect(initialValidation).toBeCloseTo(lossesOf(inText.info).initialValidation, 5);
    expect(validation).toBeLessThan(0.98 * initialValidation);
    expect(inKv).toMatchObject({
      dimension: pipeline.keysValuesWidth,
      attentions: pipeline.textAttentions,
      info: { space: "kv", formatVersion: 2 },
    });
  });

  it("gives the same bits for the same seed, and after an interruption and resume", async () => {
    const whole = await invert(pipeline, [pair], options);
    expect((await invert(pipeline, [pair], options)).tokens).toEqual(whole.tokens);
    const abort = new AbortController();
    let saved: Uint8Array | undefined;
    const interrupted = invert(pipeline, [pair], options, {
      signal: abort.signal,
      onEvent: ({ stage, step }) => {
        if (stage === "learn" && step === 5) abort.abort(new Error("that is enough"));
      },
      onCheckpoint: async (state) => {
        saved = state;
      },
    });
    await expect(interrupted).rejects.toThrow("that is enough");
    const continued = await invert(pipeline, [pair], options, { resume: saved! });
    expect(continued.tokens).toEqual(whole.tokens);
    expect(continued.info).toEqual(whole.info);
    const inText = invert(pipeline, [pair], { ...options, space: "text" }, { resume: saved! });
    await expect(inText).rejects.toMatchObject({ code: "cannot_resume" });
  });

  it("has no L_clip, and rejects a weight for it", async () => {
    const { counts } = (await invert(pipeline, [pair], { ...options, loop: "reference", steps: 2 })).info;
    expect(counts.unetBackwards).toBe(2 * 2);
    const weighted = { ...options, overrides: { ...options.overrides, clipWeight: 0.1 } };
    await expect(invert(pipeline, [pair], weighted)).rejects.toThrow(/weight of L_clip is 0.1; it must be 0/);
  });
});
