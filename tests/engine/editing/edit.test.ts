import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BatchItem, type EditEvent, editFitted, editTogether } from "../../../engine/editing/edit.ts";
import type { Instruction } from "../../../engine/instruction/instruction.ts";
import { frozenBranches, guidedPrediction } from "../../../engine/pipeline/guidance.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { SeededRandom } from "../../../engine/random/seeded-random.ts";
import { schedulerKinds } from "../../../engine/schedulers/create-scheduler.ts";
import { drawImage } from "../images/drawn-images.ts";
import { makeInstruction } from "../instruction/made-instruction.ts";
import { openFixture, relativeDeviation } from "../networks/expected-values.ts";

/** Samplers that support this model's noise schedule, whose first level has no signal. */
const samplers = schedulerKinds.filter((kind) => kind !== "heun");

let pipeline: Pipeline;
let instruction: Instruction;
beforeAll(async () => {
  pipeline = await openPipeline((await openFixture("tiny-mini")).folder, { device: "cpu" });
  instruction = await makeInstruction(pipeline, "a red apple");
});
afterAll(() => pipeline.dispose());

const image = drawImage(64, 32, (u, v) => Math.sin(9 * u) * Math.cos(5 * v));
const options = { steps: 3, seed: 5 };
const bundled = fileURLToPath(new URL("../../../models/mini", import.meta.url));

it("keeps size and range", async () => {
  const [result] = await editFitted(pipeline, [image], { text: "blue" }, options);
  expect([result!.width, result!.height]).toEqual([64, 32]);
  expect(result!.data.every((p) => p >= -1 && p <= 1)).toBe(true);
});

it.each(samplers)("returns the same image for the same seed with %s", async (scheduler) => {
  const run = () => editFitted(pipeline, [image], { instruction }, { ...options, scheduler });
  expect((await run())[0]!.data).toEqual((await run())[0]!.data);
});

it("rejects non-finite latents in one sentence, because a retry would fail too", async () => {
  const huge = { ...instruction, tokens: Float32Array.from(instruction.tokens).fill(1e38) };
  await expect(editFitted(pipeline, [image], { instruction: huge }, options)).rejects.toMatchObject({
    name: "VisibleError",
    code: "not_finite",
    message: expect.stringContaining("Sampling with seed 5 produced non-finite numbers"),
  });
});

it("uses the training noise for every image unless fresh noise is requested", async () => {
  const fixed = await editFitted(pipeline, [image, image], { instruction }, { ...options, noise: "fixed" });
  expect(fixed[1]!.data).toEqual(fixed[0]!.data);
  const fresh = await editFitted(pipeline, [image, image], { instruction }, { ...options, noise: "fresh" });
  expect(fresh[1]!.data).not.toEqual(fresh[0]!.data);
  const other = await editFitted(
    pipeline,
    [image],
    { instruction },
    { ...options, noise: "fresh", variation: 1 },
  );
  expect(other[0]!.data).not.toEqual(fresh[0]!.data);
});

it.each(samplers)(
  "samples several images as one batch with the results of single edits, with %s",
  async (scheduler) => {
    const other = drawImage(64, 32, (u, v) => Math.cos(4 * u + 7 * v));
    const items: BatchItem[] = [
      { image, seed: 5, noise: "fixed" },
      { image: other, seed: 5, noise: "fixed" },
      { image, seed: 6, noise: "fresh" },
      { image, seed: 6, noise: "fresh", variation: 2 },
    ];
    const sampling = { steps: 3, scheduler, textGuidance: 4 };
    const together = await editTogether(pipeline, items, { instruction }, sampling);
    for (const [index, { image, ...own }] of items.entries()) {
      const [alone] = await editFitted(pipeline, [image], { instruction }, { ...sampling, ...own });
      // Pixels in [−1, 1]; one float32 matrix product in another order.
      expect(largestDifference(together[index]!.data, alone!.data)).toBeLessThan(1e-4);
    }
    expect(largestDifference(together[2]!.data, together[3]!.data)).toBeGreaterThan(1e-2);
  },
);

it("edits with an untrained instruction as with its init text", async () => {
  const untouched = await makeInstruction(pipeline, "a red apple", { change: 0, seed: options.seed });
  const [learned] = await editFitted(pipeline, [image], { instruction: untouched }, options);
  // With the guidance that the instruction was learned with, which is its default.
  const { textGuidance, imageGuidance } = untouched.info.hyperParameters;
  const guided = { ...options, textGuidance, imageGuidance };
  const [worded] = await editFitted(pipeline, [image], { text: "a red apple" }, guided);
  expect(learned!.data).toEqual(worded!.data);
});

describe("an instruction of keys and values", () => {
  /** Rows that are projected separately round differently. Images are in −1 … 1. */
  const sameProjection = 1e-4;
  const made = (change: number) =>
    makeInstruction(pipeline, "a red apple", { change, seed: options.seed, space: "kv" });

  it("edits like its init text if untrained, also with added words", async () => {
    for (const text of [undefined, "blue"]) {
      const words = text === undefined ? {} : { text };
      const kept = await makeInstruction(pipeline, "a red apple", { change: 0, seed: options.seed });
      const [inText] = await editFitted(pipeline, [image], { instruction: kept, ...words }, options);
      const [inKv] = await editFitted(pipeline, [image], { instruction: await made(0), ...words }, options);
      expect(relativeDeviation(inKv!.data, inText!.data)).toBeLessThan(sameProjection);
    }
  });

  it("edits a batch as it edits each image alone", async () => {
    const moved = { instruction: await made(0.3), text: "blue" };
    const images = [image, drawImage(64, 32, (u, v) => u - v)];
    const items = images.map((one) => ({ image: one, seed: options.seed }));
    const [first, second] = await editTogether(pipeline, items, moved, { steps: options.steps });
    const alone = await editFitted(pipeline, images, moved, options);
    // Measured 1e-4: a guidance of 7.5 amplifies the rounding of larger matrix products.
    expect(relativeDeviation(first!.data, alone[0]!.data)).toBeLessThan(1e-3);
    expect(relativeDeviation(second!.data, alone[1]!.data)).toBeLessThan(1e-3);
    expect(relativeDeviation(second!.data, alone[0]!.data)).toBeGreaterThan(1e-2);
  });

  it("can be combined with words, which must fit after it", async () => {
    const moved = await made(0.3);
    const [alone] = await editFitted(pipeline, [image], { instruction: moved }, options);
    const [mixed] = await editFitted(pipeline, [image], { instruction: moved, text: "blue" }, options);
    const [worded] = await editFitted(pipeline, [image], { text: "blue" }, options);
    expect(relativeDeviation(mixed!.data, alone!.data)).toBeGreaterThan(0.01);
    expect(relativeDeviation(mixed!.data, worded!.data)).toBeGreaterThan(0.01);
    const crowded = editFitted(pipeline, [image], { instruction: moved, text: "apple ".repeat(28) }, options);
    await expect(crowded).rejects.toThrow(/room for \d+; shorten/);
  });
});

it("uses the guidance of the instruction by default", async () => {
  const { textGuidance, imageGuidance } = instruction.info.hyperParameters;
  const run = (guidance: object) =>
    editFitted(pipeline, [image], { instruction }, { ...options, ...guidance });
  const [own] = await run({});
  expect((await run({ textGuidance, imageGuidance }))[0]!.data).toEqual(own!.data);
  const { sampler } = pipeline.defaults;
  expect([sampler.textGuidance, sampler.imageGuidance]).not.toEqual([textGuidance, imageGuidance]);
  const [models] = await run({ textGuidance: sampler.textGuidance, imageGuidance: sampler.imageGuidance });
  expect(models!.data).not.toEqual(own!.data);
});

it("combines an instruction with words", async () => {
  const [alone] = await editFitted(pipeline, [image], { instruction }, options);
  const [mixed] = await editFitted(pipeline, [image], { instruction, text: "blue" }, options);
  expect(mixed!.data).not.toEqual(alone!.data);
});

describe("words in a second edit", () => {
  const inTurn = { ...options, mixing: "in-turn" } as const;

  it("edit the result of the instruction", async () => {
    // A model with an exact autoencoder, because with mixing `in-turn` the image stays in latents between the
    // two edits.
    const mini = await openPipeline(bundled, { device: "cpu" });
    const warm = await makeInstruction(mini, "make it sepia", { change: 0, seed: options.seed });
    const words = "make it darker by 40 percent";
    const [mixed] = await editFitted(
      mini,
      [image],
      { instruction: warm, text: words },
      { seed: options.seed },
    );
    const [first] = await editFitted(mini, [image], { instruction: warm }, { seed: options.seed });
    expect(mini.defaults.sampler.mixing).toBe("in-turn");
    const [second] = await editFitted(mini, [first!], { text: words }, { seed: options.seed });
    expect(relativeDeviation(mixed!.data, second!.data)).toBeLessThan(0.1);
    expect(relativeDeviation(mixed!.data, first!.data)).toBeGreaterThan(0.2);
    await mini.dispose();
  });

  it("count the steps of both edits, and may be as long as a text prompt alone", async () => {
    const steps: number[] = [];
    const before = pipeline.unetForwards;
    const text = "blue ".repeat(28);
    await expect(editFitted(pipeline, [image], { instruction, text }, options)).rejects.toThrow(
      /room for 24/,
    );
    await editFitted(pipeline, [image], { instruction, text }, inTurn, {
      onEvent: ({ step, steps: all }) => void steps.push(step, all),
    });
    expect(steps.at(-1)).toBe(2 * options.steps);
    expect(steps.at(-2)).toBe(2 * options.steps);
    const both = pipeline.unetForwards - before;
    // Each edit uses its own guidance, independent of the other.
    await editFitted(pipeline, [image], { instruction }, options);
    await editFitted(pipeline, [image], { text }, options);
    expect(both).toBe(pipeline.unetForwards - before - both);
  });

  it("change nothing for an instruction or words alone", async () => {
    for (const prompt of [{ instruction }, { text: "blue" }]) {
      const [plain] = await editFitted(pipeline, [image], prompt, options);
      expect((await editFitted(pipeline, [image], prompt, inTurn))[0]!.data).toEqual(plain!.data);
    }
  });

  it("are the same for an image of a batch", async () => {
    const items = [image, image].map((one) => ({ image: one, seed: options.seed }));
    const prompt = { instruction, text: "blue" };
    const together = await editTogether(pipeline, items, prompt, { steps: options.steps, mixing: "in-turn" });
    const [alone] = await editFitted(pipeline, [image], prompt, inTurn);
    for (const { data } of together) expect(relativeDeviation(data, alone!.data)).toBeLessThan(1e-3);
  });
});

it("sums the three branches as in the paper, also if it skips some", async () => {
  const random = new SeededRandom(1, "guidance");
  const size = 12 * 8 * 16;
  const samples = {
    latents: random.normals(size),
    image: random.normals(size),
    timesteps: Float32Array.of(500),
    height: 8,
    width: 16,
  };
  const [text, nothing] = [await pipeline.encodeText("blue"), await pipeline.encodeText("")];
  const branch = (embedding: Float32Array, withImage: boolean) =>
    pipeline.predict({
      ...samples,
      image: withImage ? samples.image : new Float32Array(size),
      text: embedding,
    });
  const [full, imageOnly, none] = [
    await branch(text, true),
    await branch(nothing, true),
    await branch(nothing, false),
  ];
  for (const guidance of [
    { text: 7.5, image: 1.5 },
    { text: 1, image: 1 },
    { text: 3, image: 3 },
    { text: 2, image: 1 },
  ]) {
    const expected = none.map(
      (e, i) => e + guidance.image * (imageOnly[i]! - e) + guidance.text * (full[i]! - imageOnly[i]!),
    );
    const actual = await guidedPrediction(pipeline, samples, { text }, guidance);
    expect(relativeDeviation(actual, expected)).toBeLessThan(1e-5); // one float32 sum in another order
  }
  const before = pipeline.unetForwards;
  await frozenBranches(pipeline, samples, { text: 1, image: 1 });
  expect(pipeline.unetForwards).toBe(before);
});

it("stops between sampling steps when aborted, and reports progress", async () => {
  const abort = new AbortController();
  const events: EditEvent[] = [];
  const run = editFitted(pipeline, [image], { text: "blue" }, options, {
    signal: abort.signal,
    onEvent: (event) => {
      events.push(event);
      if (event.step === 2) abort.abort(new Error("stop"));
    },
  });
  await expect(run).rejects.toThrow("stop");
  expect(events.map(({ step, steps }) => [step, steps])).toEqual([
    [1, 3],
    [2, 3],
  ]);
});

it.each([
  [{ steps: 0 }, /steps/i],
  [{ textGuidance: Number.NaN }, /guidance/],
])("rejects %o", async (changes, message) => {
  await expect(editFitted(pipeline, [image], { text: "blue" }, { ...options, ...changes })).rejects.toThrow(
    message,
  );
});

it("rejects an empty prompt, words that do not fit, and another model's instruction", async () => {
  await expect(editFitted(pipeline, [image], {}, options)).rejects.toMatchObject({ code: "empty_prompt" });
  const long = "apple ".repeat(40);
  await expect(editFitted(pipeline, [image], { text: long }, options)).rejects.toMatchObject({
    code: "text_too_long",
  });
  const crowded = "apple ".repeat(28);
  await expect(editFitted(pipeline, [image], { instruction, text: crowded }, options)).rejects.toThrow(
    /room for \d+; shorten/,
  );
  const foreign = {
    ...instruction,
    info: { ...instruction.info, weightHash: "0".repeat(64), modelId: "other-model" },
  };
  await expect(editFitted(pipeline, [image], { instruction: foreign }, options)).rejects.toThrow(
    /"other-model".*not/,
  );
});

const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
