import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCase } from "../../../engine/evaluation/open-case.ts";
import { readSet } from "../../../engine/evaluation/read-set.ts";
import { invert } from "../../../engine/inversion/invert.ts";
import { lossGraph } from "../../../engine/inversion/loss-graph.ts";
import { learn } from "../../../engine/learn.ts";
import { forwardUnet } from "../../../engine/pipeline/forward-unet.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { SeededRandom } from "../../../engine/random/seeded-random.ts";
import { meanPsnrToTruth } from "../../../research/bench/measure-case.ts";
import { drawImage } from "../images/drawn-images.ts";
import { openFixture } from "../networks/expected-values.ts";
import { countOperators } from "../rewrite/same-meaning.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const mini = `${root}/models/mini`;

describe("the bundled model in 8 bits", { timeout: 300_000 }, () => {
  let fp32: Pipeline;
  let int8: Pipeline;
  beforeAll(async () => {
    fp32 = await openPipeline(mini, { device: "cpu", threads: 1 });
    int8 = await openPipeline(mini, { device: "cpu", threads: 1, precision: "int8" });
  });
  afterAll(async () => {
    await fp32.dispose();
    await int8.dispose();
  });

  async function samples(count: number, side = 16) {
    const random = new SeededRandom(1, "int8");
    const draw = () => random.normals(count * fp32.model.vae.autoencoder.latentChannels * side ** 2);
    const text = await fp32.encodeText("make it look like night");
    return {
      latents: draw(),
      image: draw(),
      timesteps: Float32Array.from({ length: count }, (_, n) => 900 - 300 * n),
      text: Float32Array.from({ length: count * text.length }, (_, i) => text[i % text.length]!),
      height: side,
      width: side,
    };
  }

  it("quantizes every layer on the image except the sensitive ones", () => {
    const size = { batch: 1, height: 64, width: 64, learnedRows: 0 };
    const [before, after] = [fp32, int8].map(({ model }) => countOperators(forwardUnet(model, size)));
    // conv_in and conv_out, eight shortcuts, and two more convolutions in the last residual block.
    expect(after!.Conv).toBe(12);
    expect(after!.DynamicQuantizeConv! + after!.Conv!).toBe(before!.Conv);
    expect(after!.DynamicQuantizeMatMul).toBeGreaterThan(40);
    expect(after!.LayerNormalization).toBe(before!.LayerNormalization);
  });

  it("predicts within 5% of float32, and not the same", async () => {
    const batch = await samples(1);
    const [exact, rounded] = [await fp32.predict(batch), await int8.predict(batch)];
    const power = (values: Float32Array) => values.reduce((sum, x) => sum + x * x, 0);
    const error = Math.sqrt(power(exact.map((x, i) => x - rounded[i]!)) / power(exact));
    expect(error).toBeLessThan(0.05);
    expect(error).toBeGreaterThan(0.001);
  });

  it("predicts a sample independently of its batch, bit for bit", async () => {
    const batch = await samples(2);
    const part = (all: Float32Array, n: number) =>
      all.slice((n * all.length) / 2, ((n + 1) * all.length) / 2);
    const counted = int8.unetForwards;
    const together = await int8.predict(batch);
    expect(int8.unetForwards - counted).toBe(2);
    for (const n of [0, 1]) {
      const { latents, image, timesteps, text, ...size } = batch;
      const alone = { latents: part(latents, n), image: part(image, n), timesteps: part(timesteps, n) };
      expect(await int8.predict({ ...size, ...alone, text: part(text, n) })).toEqual(part(together, n));
    }
  });

  it("edits within 0.3 dB of float32's PSNR to the truth", async () => {
    // The case that 8 bits in the last residual block cost most: 0.6 dB.
    const files = (await readSet(`${root}/evaluation-set`)).find(({ name }) => name === "night")!;
    const opened = await openCase(files);
    const { instruction } = await learn(fp32, [opened.pairs[0]], { steps: 0, seed: 0 });
    const psnr = (pipeline: Pipeline) => meanPsnrToTruth(pipeline, opened, { instruction }, { seed: 0 });
    const [exact, rounded] = [await psnr(fp32), await psnr(int8)];
    expect(rounded).not.toBe(exact);
    expect(Math.abs(rounded - exact)).toBeLessThan(0.3);
  });

  it("differentiates in float32", () => {
    const settings = { batch: 1, height: 16, width: 16, space: "text", tokens: 4, textGuidance: 1 } as const;
    const graphs = [fp32, int8].map(({ model }) =>
      lossGraph(model, { ...settings, mseWeight: 4, clipWeight: 0 }),
    );
    expect(countOperators(graphs[1]!)).toEqual(countOperators(graphs[0]!));
    expect(graphs[1]!.inputs.map(({ name }) => name)).toEqual(graphs[0]!.inputs.map(({ name }) => name));
  });
});

it("learns in 8 bits, and the instruction records it", async () => {
  const { folder } = await openFixture("tiny-mini");
  const pipeline = await openPipeline(folder, { device: "cpu", precision: "int8" });
  const before = drawImage(64, 32, (u, v) => Math.sin(9 * u) * Math.cos(5 * v));
  const pair = { before, after: { ...before, data: before.data.map((x) => -x) } };
  const overrides = { samples: 4, validationSamples: 2, validationEvery: 2 };
  const { info } = await invert(pipeline, [pair], { init: "a red apple", steps: 2, seed: 3, overrides });
  expect(info.hyperParameters.precision).toBe("int8");
  await pipeline.dispose();
});

it.each(["cuda", "cuda:1", "webgpu"] as const)("is refused on %s", async (device) => {
  await expect(openPipeline(mini, { device, precision: "int8" })).rejects.toMatchObject({
    code: "invalid_option",
    message: `Precision int8 requires the CPU, but the device is ${device}; use fp32 or fp16, or --device cpu.`,
  });
});
