import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { weightsOf } from "../../../engine/graph/weights-of.ts";
import { type LossSettings, lossGraph } from "../../../engine/inversion/loss-graph.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { SeededRandom } from "../../../engine/random/seeded-random.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";
import { openFixture, relativeDeviation } from "../networks/expected-values.ts";

/** Tolerances of half precision against float32. Measured: 2e-3 forward, 6e-3 for the gradient. */
const halfAgreement = 2e-2;
const size = { batch: 1, height: 8, width: 8 };
const tokens = 5;
const guided = { ...size, tokens, textGuidance: 7.5, mseWeight: 4 };

describe.each(["tiny-ip2p", "tiny-mini", "tiny-sdxl"] as const)("half precision, %s", (name) => {
  let whole: Pipeline;
  let half: Pipeline;
  beforeAll(async () => {
    const { folder } = await openFixture(name);
    whole = await openPipeline(folder, { device: "cpu", threads: 1 });
    half = await openPipeline(folder, { device: "cpu", threads: 1, precision: "fp16" });
  });
  afterAll(async () => {
    await whole.dispose();
    await half.dispose();
  });

  /** Feeds of the loss in either space, random except for the text. */
  async function drawFeeds(space: LossSettings["space"]) {
    const random = new SeededRandom(1, "half precision");
    const count = whole.model.vae.autoencoder.latentChannels * size.height * size.width;
    const { text, pooled } = await whole.encodePrompt("a red apple on the table");
    const row = whole.textWidth;
    const direction = random.normals(whole.model.clip?.config.projection_dim ?? 1);
    const length = Math.hypot(...direction);
    const projected = await whole.projectText(text);
    const wide = whole.keysValuesWidth;
    return {
      ...(pooled ? { pooled } : {}),
      latents: random.normals(count),
      image: random.normals(count),
      timesteps: Float32Array.of(500),
      target: random.normals(count),
      frozen: random.normals(count),
      ...(space === "text"
        ? {
            bos: text.slice(0, row),
            instruction: text.slice(row, (1 + tokens) * row),
            rest: text.slice((1 + tokens) * row),
            direction: direction.map((x) => x / length),
          }
        : { text, instruction: projected.slice(wide, (1 + tokens) * wide) }),
    };
  }

  const runLoss = async (
    pipeline: Pipeline,
    space: LossSettings["space"],
    scale: number,
    recompute?: LossSettings["recompute"],
  ) => {
    const settings = { ...guided, space, clipWeight: space === "text" ? 0.1 : 0 };
    const key = `loss ${space} ${recompute?.join()}`;
    const session = await pipeline.session(key, () =>
      optimize(lossGraph(pipeline.model, recompute ? { ...settings, recompute } : settings)),
    );
    const { loss, mse, gradient } = await session.run({
      ...(await drawFeeds(space)),
      loss_scale: Float32Array.of(scale),
    });
    return { loss: loss!, mse: mse!, gradient: gradient! };
  };

  it("predicts close to float32, but not bit for bit", async () => {
    const { latents, image, timesteps } = await drawFeeds("text");
    const told = await whole.encodePrompt("a red apple on the table");
    const asked = { latents, image, timesteps, ...told, height: size.height, width: size.width };
    const [expected, actual] = [await whole.predict(asked), await half.predict(asked)];
    expect(relativeDeviation(actual, expected)).toBeLessThan(halfAgreement);
    expect(relativeDeviation(actual, expected)).toBeGreaterThan(1e-5);
  });

  it.each(["text", "kv"] as const)("computes float32's loss and gradient, in the space %s", async (space) => {
    const [expected, actual] = [await runLoss(whole, space, 1), await runLoss(half, space, 64)];
    expect(relativeDeviation(actual.loss, expected.loss)).toBeLessThan(halfAgreement);
    expect(relativeDeviation(actual.mse, expected.mse)).toBeLessThan(halfAgreement);
    expect(relativeDeviation(actual.gradient, expected.gradient)).toBeLessThan(halfAgreement);
  });

  it("computes the same with recomputed attentions and blocks", async () => {
    const expected = await runLoss(whole, "text", 1);
    const actual = await runLoss(half, "text", 64, ["attention", "block"]);
    expect(relativeDeviation(actual.gradient, expected.gradient)).toBeLessThan(halfAgreement);
  });

  it("loses the gradient with a scale that is too small or too large", async () => {
    const expected = (await runLoss(whole, "kv", 1)).gradient;
    const [small, large] = [await runLoss(half, "kv", 2 ** -20), await runLoss(half, "kv", 2 ** 28)];
    expect(relativeDeviation(small.gradient, expected)).toBeGreaterThan(halfAgreement);
    expect(large.gradient.every(Number.isFinite)).toBe(false);
    expect(Number.isFinite(large.loss[0]!)).toBe(true);
  });

  it("has float32 inputs and outputs, and casts inside", () => {
    const graph = lossGraph(half.model, { ...guided, space: "text", clipWeight: 0.1 });
    expect([...graph.inputs, ...graph.outputs.values()].map(({ dtype }) => dtype)).not.toContain("float16");
    const convolutions = graph.nodes.filter(({ op }) => op === "Conv");
    expect(new Set(convolutions.flatMap(({ outputs }) => outputs.map(({ dtype }) => dtype)))).toEqual(
      new Set(["float16"]),
    );
    const statistics = graph.nodes.filter(({ op }) => op === "ReduceMean" || op === "ReduceSum");
    const inHalf = statistics.filter(({ inputs: [x] }) => x!.dtype === "float16");
    // The pooling of tiny-mini's `addition_embed_type: text` is a mean of the model's own; softmax's sums are
    // rewritten.
    const rewritten = optimize(graph).nodes.filter(({ op }) => op === "ReduceSum");
    expect(inHalf.filter(({ op }) => op === "ReduceMean").length).toBeLessThanOrEqual(1);
    expect(rewritten.filter(({ inputs: [x] }) => x!.dtype === "float16")).toEqual([]);
  });

  it("reads weights stored in half precision without a cast", async () => {
    const graph = optimize(lossGraph(half.model, { ...guided, space: "text", clipWeight: 0 }));
    const stored = [...weightsOf(graph).keys()].map(
      (key) => half.model.unet.component.checkpoint.tensor(key.replace(/^unet\./, "")).entry.dtype,
    );
    const casts = graph.nodes.filter(
      ({ op, inputs: [x] }) => op === "Cast" && x!.origin.kind === "weight",
    ).length;
    expect(casts).toBe(stored.filter((dtype) => dtype !== "F16").length);
  });
});
