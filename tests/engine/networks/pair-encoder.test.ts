import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openPipeline } from "../../../engine/pipeline/pipeline.ts";
import { openSafetensors, readTensor } from "../../../engine/weights/safetensors-file.ts";
import { relativeDeviation } from "./expected-values.ts";
import { modelWithPairEncoder } from "./model-with-pair-encoder.ts";

/** float32 against PyTorch's float64 on the same rounded weights: measured 6e-7. */
const agreement = 1e-5;

describe("a pair encoder", () => {
  it("computes the same rows as PyTorch", async () => {
    const path = fileURLToPath(
      new URL("../../fixtures/tiny-pair-encoder/expected.safetensors", import.meta.url),
    );
    const file = await openSafetensors(path);
    const [before, after, expected] = await Promise.all(
      ["inputs.before", "inputs.after", "outputs.tokens"].map((name) => readTensor(file, name)),
    );
    const [pairs, , height, width] = file.tensors.get("inputs.before")!.shape as [
      number,
      number,
      number,
      number,
    ];
    const { folder, dispose } = await modelWithPairEncoder();
    const pipeline = await openPipeline(folder, { device: "cpu" });
    const part = (values: Float32Array, n: number) =>
      values.slice((n * values.length) / pairs, ((n + 1) * values.length) / pairs);
    const image = (values: Float32Array, n: number) => ({ width, height, data: part(values, n) });
    for (let n = 0; n < pairs; n++) {
      const rows = await pipeline.encodePair({ before: image(before!, n), after: image(after!, n) });
      expect(rows).toHaveLength(14 * pipeline.textWidth);
      expect(relativeDeviation(rows!, part(expected!, n))).toBeLessThan(agreement);
    }
    // The two pairs give different rows, so the agreement is not that of constants.
    expect(relativeDeviation(part(expected!, 0), part(expected!, 1))).toBeGreaterThan(0.05);
    await pipeline.dispose();
    await dispose();
  });

  it("is rejected if its token count differs from the init's", async () => {
    const { folder, dispose } = await modelWithPairEncoder({ init: "a red apple" });
    await expect(openPipeline(folder, { device: "cpu" })).rejects.toThrow(
      `${join(folder, "pair_encoder")}: it has 14 tokens, but the init "a red apple" has 6; set an init of 14 tokens in visii.json.`,
    );
    await dispose();
  });

  it.each([
    [{ cross_attention_dim: 64 }, /its rows have width 64, but the text encoder's have 32/],
    [{ patch_size: 3 }, /its patch_size 3 does not divide \d+/],
    [{ layers_per_block: [1, 1] }, /layers_per_block must have as many entries as block_out_channels/],
    [{ attention_heads: 2 }, /attention_heads is not a supported key/],
    [{ hidden_size: 13 }, /fc1\.weight has shape \[12, 48\], but its config\.json requires \[13, 48\]/],
  ])("is rejected for %j, by name", async (change, message) => {
    const { folder, dispose } = await modelWithPairEncoder();
    const path = join(folder, "pair_encoder", "config.json");
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...change }));
    const gray = { width: 32, height: 32, data: new Float32Array(3 * 32 * 32) };
    const encode = async () => {
      const pipeline = await openPipeline(folder, { device: "cpu" });
      await pipeline.encodePair({ before: gray, after: gray });
    };
    await expect(encode()).rejects.toThrow(message);
    await dispose();
  });

  it("without weights is rejected by name", async () => {
    const { folder, dispose } = await modelWithPairEncoder();
    await rm(join(folder, "pair_encoder", "model.safetensors"));
    await expect(openPipeline(folder, { device: "cpu" })).rejects.toThrow(/pair_encoder/);
    await dispose();
  });
});
