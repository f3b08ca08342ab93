import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { embedPrompt } from "../../../engine/instruction/embed-instruction.ts";
import type { ImagePair } from "../../../engine/inversion/image-pair.ts";
import { invert } from "../../../engine/inversion/invert.ts";
import { learningWarnings } from "../../../engine/inversion/learning-warnings.ts";
import type { InversionEvent } from "../../../engine/inversion/progress.ts";
import { type InversionOptions, resolveSettings } from "../../../engine/inversion/settings.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { negative, waves } from "../images/drawn-images.ts";
import { openFixture } from "../networks/expected-values.ts";
import { type ComposedModel, modelWithPairEncoder } from "../networks/model-with-pair-encoder.ts";

let model: ComposedModel;
let pipeline: Pipeline;
beforeAll(async () => {
  model = await modelWithPairEncoder();
  pipeline = await openPipeline(model.folder, { device: "cpu" });
});
afterAll(async () => {
  await pipeline.dispose();
  await model.dispose();
});

const pairOf = (phase: number): ImagePair => {
  const before = waves(64, 48, phase);
  return { before, after: negative(before) };
};
const [first, second] = [pairOf(0), pairOf(1)];
const quick: InversionOptions = {
  seed: 3,
  steps: 4,
  overrides: { samples: 4, validationSamples: 2, validationEvery: 0 },
};

describe("learning with a model that has a pair encoder", () => {
  it("returns the encoder's rows in 0 steps, without evaluating the UNet", async () => {
    const before = pipeline.unetForwards;
    const { tokens, tokenCount, info } = await invert(pipeline, [first], { seed: 3, steps: 0 });
    expect(pipeline.unetForwards).toBe(before);
    expect(tokens).toEqual(await pipeline.encodePair(first));
    expect(tokenCount).toBe(14);
    expect(info).toMatchObject({
      start: "pair",
      init: pipeline.defaults.init,
      hyperParameters: { steps: 0 },
    });
    expect(info.losses).toBeUndefined();
    expect(learningWarnings(info)).toEqual([]);
  });

  it("averages the rows of several pairs", async () => {
    const { tokens } = await invert(pipeline, [first, second], { seed: 3, steps: 0 });
    const [a, b] = [(await pipeline.encodePair(first))!, (await pipeline.encodePair(second))!];
    expect(a).not.toEqual(b);
    for (const [i, value] of tokens.entries()) expect(value).toBeCloseTo((a[i]! + b[i]!) / 2, 6);
  });

  it("keeps every other row of the init's text", async () => {
    const instruction = await invert(pipeline, [first], { seed: 3, steps: 0 });
    const { text } = await embedPrompt(pipeline, { instruction });
    const words = await pipeline.encodeText(pipeline.defaults.init);
    const width = pipeline.textWidth;
    expect(text.slice(0, width)).toEqual(words.slice(0, width));
    expect(text.slice(15 * width)).toEqual(words.slice(15 * width));
    expect(text.slice(width, 15 * width)).toEqual(instruction.tokens);
  });

  it("refines those rows, and reports their loss and that of the words", async () => {
    const { tokens, info } = await invert(pipeline, [first], quick);
    expect(tokens).not.toEqual(await pipeline.encodePair(first));
    expect(info.start).toBe("pair");
    const { initialValidation, wordsValidation, validation } = info.losses!;
    const words = await invert(pipeline, [first], { ...quick, start: "words" });
    expect(words.info.start).toBeUndefined();
    expect(words.info.losses!.wordsValidation).toBeUndefined();
    expect(wordsValidation).toBe(words.info.losses!.initialValidation);
    expect(initialValidation).not.toBe(wordsValidation);
    expect(validation).toBeLessThanOrEqual(initialValidation);
  });

  it("gives the same bits after an interruption and resume", async () => {
    const abort = new AbortController();
    let state: Uint8Array | undefined;
    await invert(pipeline, [first], quick, {
      signal: abort.signal,
      onCheckpoint: async (bytes) => {
        state = bytes;
      },
      onEvent: ({ stage, step }) => {
        if (stage === "learn" && step === 2) abort.abort(new Error("enough"));
      },
    }).catch(() => undefined);
    const resumed = await invert(pipeline, [first], quick, { resume: state! });
    expect(resumed).toEqual(await invert(pipeline, [first], quick));
  });

  it("starts from words if given, and in the paper's loop", async () => {
    const words = await invert(pipeline, [first], { ...quick, init: "a red apple" });
    expect(words.tokenCount).toBe(6);
    expect(words.info.start).toBeUndefined();
    expect(resolveSettings(pipeline, { seed: 0, loop: "reference" }).start).toBeUndefined();
    expect(resolveSettings(pipeline, { seed: 0 }).start).toBe("pair");
  });

  it("previews the encoder's rows before learning", async () => {
    const events: InversionEvent[] = [];
    await invert(pipeline, [first], quick, { previewEvery: 4, onEvent: (event) => void events.push(event) });
    const previews = events.flatMap(({ stage, step, preview }) =>
      preview ? [[stage, step, preview.width]] : [],
    );
    expect(previews).toEqual([
      ["prepare", 1, 64],
      ["learn", 4, 64],
    ]);
  });

  it("projects the rows if keys and values are learned", async () => {
    const instruction = await invert(pipeline, [first], { seed: 3, steps: 0, space: "kv" });
    const text = Float32Array.from(await pipeline.encodeText(pipeline.defaults.init));
    text.set((await pipeline.encodePair(first))!, pipeline.textWidth);
    const width = pipeline.keysValuesWidth;
    expect(instruction.tokens).toEqual((await pipeline.projectText(text)).slice(width, 15 * width));
  });

  it("rejects an init together with the pair encoder", async () => {
    await expect(invert(pipeline, [first], { ...quick, init: "a red apple", start: "pair" })).rejects.toThrow(
      /either from the pair or from the words "a red apple"/,
    );
  });
});

describe("learning with a model without a pair encoder", () => {
  it("rejects 0 steps and a start from the pair, in one sentence", async () => {
    const plain = await openPipeline((await openFixture("tiny-mini")).folder, { device: "cpu" });
    await expect(invert(plain, [first], { seed: 0, steps: 0 })).rejects.toThrow(
      "The steps is 0; it must be a whole number above 0 if learning starts from words.",
    );
    await expect(invert(plain, [first], { seed: 0, start: "pair" })).rejects.toMatchObject({
      code: "no_pair_encoder",
    });
    expect(resolveSettings(plain, { seed: 0 }).start).toBeUndefined();
    await plain.dispose();
  });
});
