import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { editFitted } from "../../../engine/editing/edit.ts";
import { embedPrompt } from "../../../engine/instruction/embed-instruction.ts";
import { lossesOf } from "../../../engine/instruction/instruction.ts";
import { readInstruction, writeInstruction } from "../../../engine/instruction/instruction-file.ts";
import { nearestWords } from "../../../engine/instruction/nearest-words.ts";
import { invert } from "../../../engine/inversion/invert.ts";
import type { InversionOptions } from "../../../engine/inversion/settings.ts";
import { guidedPrediction } from "../../../engine/pipeline/guidance.ts";
import { readModelFolder } from "../../../engine/pipeline/model-folder.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { createScheduler } from "../../../engine/schedulers/create-scheduler.ts";
import { drawImage } from "../images/drawn-images.ts";
import { type OracleFixture, openFixture, relativeDeviation } from "./expected-values.ts";

/** float32 against float64 through three steps of three branches of the UNet: measured 1e-6. */
const agreement = 2e-5;
const prompt = "make it night, strongly darker!";

let fixture: OracleFixture;
let pipeline: Pipeline;
let scratch: string;
beforeAll(async () => {
  fixture = await openFixture("tiny-sdxl");
  pipeline = await openPipeline(fixture.folder, { device: "cpu" });
  scratch = await mkdtemp(join(tmpdir(), "visii-sdxl-"));
});
afterAll(async () => {
  await pipeline.dispose();
  await rm(scratch, { recursive: true });
});

describe("Stable Diffusion XL's InstructPix2Pix", () => {
  it("encodes a text like diffusers' pipeline: both encoders' states, and the second's pooled text", async () => {
    const { text, pooled } = await pipeline.encodePrompt(prompt);
    const [states, pools] = [
      await fixture.floats("outputs.text.last_hidden_state"),
      await fixture.floats("outputs.text.pooled"),
    ];
    expect(pipeline.textWidth).toBe(16 + 24);
    expect(relativeDeviation(text, states.slice(2 * text.length))).toBeLessThan(agreement);
    expect(relativeDeviation(pooled!, pools.slice(2 * pooled!.length))).toBeLessThan(agreement);
  });

  it("edits like diffusers' pipeline, from the same noise and text", async () => {
    const images = await fixture.floats("inputs.vae.image");
    const image = { width: 64, height: 32, data: images.slice(0, 3 * 32 * 64) };
    const condition = await pipeline.encodeImage(image);
    const conditioning = await embedPrompt(pipeline, { text: prompt });
    const scheduler = createScheduler("ddim", pipeline.model.scheduler, 3);
    let z = await fixture.floats("inputs.edit.latents");
    for (const [index, timestep] of scheduler.timesteps.entries()) {
      const samples = { latents: z, image: condition.data, timesteps: Float32Array.of(timestep) };
      const size = { height: condition.height, width: condition.width };
      const guidance = { text: 4, image: 1.5 };
      const prediction = await guidedPrediction(pipeline, { ...samples, ...size }, conditioning, guidance);
      z = scheduler.step(prediction, index, z, () => new Float32Array(z.length));
    }
    expect(relativeDeviation(z, await fixture.floats("outputs.edit.latents"))).toBeLessThan(agreement);
  });

  it("uses zeros for an absent text, or the encoded empty text if its index says so", async () => {
    const { text, pooled } = await pipeline.unconditionalEmbedding();
    expect(text.every((x) => x === 0) && pooled!.every((x) => x === 0)).toBe(true);
    const other = await changedCopy("encoded", "model_index.json", (index) => {
      index.force_zeros_for_empty_prompt = false;
    });
    const encoding = await openPipeline(other, { device: "cpu" });
    expect((await encoding.unconditionalEmbedding()).text).toEqual((await encoding.encodePrompt("")).text);
    await encoding.dispose();
  });

  it("uses an AutoencoderTiny in the units of its own autoencoder, not of Stable Diffusion 1's", async () => {
    const folder = join(scratch, "taesdxl");
    await cp(fixture.folder, folder, { recursive: true });
    await rm(join(folder, "vae"), { recursive: true });
    const tiny = fileURLToPath(new URL("../../fixtures/autoencoder-tiny", import.meta.url));
    await cp(tiny, join(folder, "vae"), { recursive: true });
    expect((await readModelFolder(folder)).vae.autoencoder.scale).toBe(0.13025);
  });

  it("finds the words nearest to an embedding of both encoders", async () => {
    const tokens = (await pipeline.encodeText("the house")).slice(40, 3 * 40);
    const { info } = await invert(pipeline, [drawPair()], { init: "the house", steps: 1, seed: 0 });
    const instruction = { tokens, tokenCount: 2, dimension: 40, info };
    const [first] = await nearestWords(pipeline, instruction, 1);
    expect(first).toEqual({ words: ["the"], cosine: [expect.closeTo(1, 5)] });
  });

  it("without a visii.json, uses the UNet config's image size and diffusers' text guidance", async () => {
    const folder = join(scratch, "bare");
    await cp(fixture.folder, folder, { recursive: true });
    await rm(join(folder, "visii.json"));
    const { defaults } = await readModelFolder(folder);
    expect(defaults).toMatchObject({ resolution: 16 * 8, sampler: { textGuidance: 5, imageGuidance: 1.5 } });
  });

  it.each([
    [
      "a second tokenizer with other tokens",
      "tokenizer_2/tokenizer_config.json",
      "model_max_length",
      32,
      /differ in maxLength/,
    ],
    [
      "a pooled text of another width",
      "text_encoder_2/config.json",
      "projection_dim",
      16,
      /pooled text of width 8, but text_encoder_2 has 16/,
    ],
    [
      "a UNet that takes no pooled text",
      "unet/config.json",
      "addition_embed_type",
      null,
      /UNet does not use pooled text/,
    ],
    [
      "text encoders of another width together",
      "text_encoder/config.json",
      "hidden_size",
      24,
      /text of width 40, but the text encoders have 48/,
    ],
    [
      "CosXL Edit, whose image condition is scaled",
      "model_index.json",
      "is_cosxl_edit",
      true,
      /is CosXL Edit/,
    ],
  ])("rejects %s", async (name, file, key, value, message) => {
    const folder = await changedCopy(name.replaceAll(/\W+/g, "-"), file, (json) => {
      json[key] = value;
    });
    // CLIP belongs to the first encoder, and its check would fail before the UNet's.
    await rm(join(folder, "clip"), { recursive: true });
    await expect(readModelFolder(folder)).rejects.toThrow(message);
  });
});

describe.each(["text", "kv"] as const)("an instruction of Stable Diffusion XL, in the space %s", (space) => {
  const pair = drawPair();
  const options: InversionOptions = {
    init: "a red apple",
    space,
    steps: 30,
    seed: 3,
    batchSize: 2,
    learningRate: 0.05,
    overrides: { samples: 8, validationSamples: 4, validationEvery: 5 },
  };

  it("is learned, written to a file, and edits alone and with words", async () => {
    const learned = await invert(pipeline, [pair], options);
    const { validation, initialValidation } = lossesOf(learned.info);
    expect(validation).toBeLessThan(0.99 * initialValidation);
    expect(learned.dimension).toBe(space === "text" ? 40 : pipeline.keysValuesWidth);
    const file = join(scratch, `${space}.visii`);
    await writeInstruction(file, learned);
    const instruction = await readInstruction(file);
    const settings = { seed: 1, steps: 2 };
    const [alone] = await editFitted(pipeline, [pair.before], { instruction }, settings);
    const [joined] = await editFitted(pipeline, [pair.before], { instruction, text: "with snow" }, settings);
    expect(relativeDeviation(joined!.data, alone!.data)).toBeGreaterThan(1e-3);
  });

  it("has the pooled text of its init, or of added words", async () => {
    const learned = await invert(pipeline, [pair], { ...options, steps: 1 });
    const alone = await embedPrompt(pipeline, { instruction: learned });
    expect(alone.pooled).toEqual((await pipeline.encodePrompt("a red apple")).pooled);
    const hybrid = await embedPrompt(pipeline, { instruction: learned, text: "with snow" });
    expect(hybrid.pooled).toEqual((await pipeline.encodePrompt("with snow")).pooled);
    expect(hybrid.pooled).not.toEqual(alone.pooled);
  });
});

function drawPair() {
  const before = drawImage(64, 32, (u, v) => Math.sin(9 * u) * Math.cos(5 * v));
  return { before, after: { ...before, data: before.data.map((x) => -x) } };
}

async function changedCopy(
  name: string,
  file: string,
  change: (json: Record<string, unknown>) => void,
): Promise<string> {
  const folder = join(scratch, name);
  await cp(fixture.folder, folder, { recursive: true });
  const json = JSON.parse(await readFile(join(folder, file), "utf8"));
  change(json);
  await writeFile(join(folder, file), JSON.stringify(json));
  return folder;
}
