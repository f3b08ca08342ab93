import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPipeline } from "../../engine/pipeline/pipeline.ts";
import { openSafetensors, readTensor } from "../../engine/weights/safetensors-file.ts";
import { layouts, writeRandomModel } from "../../research/random-model/write-random-model.ts";

const like = "tiny-instruct-pix2pix";
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "visii-random-"));
  await writeRandomModel(join(scratch, "first"), { like, seed: 1 });
});
afterAll(() => rm(scratch, { recursive: true }));

const tensor = async (file: string, name: string) =>
  readTensor(await openSafetensors(join(scratch, file)), name);

/** Bounds of the standard deviation of activations, which are of order 1 by design. */
const sane = { least: 0.1, most: 10 };
function expectSane(values: Float32Array) {
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
  expect(deviation).toBeGreaterThan(sane.least);
  expect(deviation).toBeLessThan(sane.most);
}

describe("a random model", () => {
  it.each([
    ["first", like],
    ["first-xl", "tiny-sdxl-instruct-pix2pix"],
  ] as const)("(%s, %s) opens and runs in every part, with activations of order 1", async (folder, name) => {
    if (folder !== "first") await writeRandomModel(join(scratch, folder), { like: name, seed: 1 });
    const pipeline = await openPipeline(join(scratch, folder), { device: "cpu" });
    const prompt = await pipeline.encodePrompt("make it night");
    expectSane(prompt.text);
    if (prompt.pooled) expectSane(prompt.pooled);
    const image = { width: 64, height: 64, data: new Float32Array(3 * 64 * 64).fill(0.3) };
    expectSane((await pipeline.embedImage(image))!);
    const latents = await pipeline.encodeImage(image);
    expectSane(latents.data);
    expectSane((await pipeline.decodeLatents(latents)).data);
    const prediction = await pipeline.predict({
      latents: latents.data,
      image: latents.data,
      timesteps: Float32Array.of(500),
      ...prompt,
      height: 8,
      width: 8,
    });
    expectSane(prediction);
    await pipeline.dispose();
  });

  it("uses its CLIP's text tower as text encoder, as Stable Diffusion does", async () => {
    const name = "text_model.encoder.layers.1.mlp.fc1.weight";
    const [encoder, clip] = [
      await tensor("first/text_encoder/model.safetensors", name),
      await tensor("first/clip/model.safetensors", name),
    ];
    expect(encoder).toEqual(clip);
  });

  it("is the same for one seed, byte for byte, and different for another", async () => {
    await writeRandomModel(join(scratch, "again"), { like, seed: 1 });
    await writeRandomModel(join(scratch, "other"), { like, seed: 2 });
    const read = (folder: string) =>
      readFile(join(scratch, folder, "unet", "diffusion_pytorch_model.safetensors"));
    const first = await read("first");
    expect(first.equals(await read("again"))).toBe(true);
    expect(first.equals(await read("other"))).toBe(false);
  });

  it("in fp16 holds the same weights, rounded, under the variant's file names", async () => {
    const { bytes } = await writeRandomModel(join(scratch, "half"), { like, seed: 1, variant: "fp16" });
    expect(await readdir(join(scratch, "half", "unet"))).toEqual([
      "config.json",
      "diffusion_pytorch_model.fp16.safetensors",
    ]);
    const whole = await tensor("first/unet/diffusion_pytorch_model.safetensors", "conv_in.weight");
    const half = await tensor("half/unet/diffusion_pytorch_model.fp16.safetensors", "conv_in.weight");
    // Half a unit in the last of 11 bits.
    for (const [i, value] of half.entries())
      expect(Math.abs(value - whole[i]!)).toBeLessThanOrEqual(Math.abs(whole[i]!) * 2 ** -11);
    expect(bytes).toBeLessThan(1e6);
    await (await openPipeline(join(scratch, "half"), { device: "cpu" })).dispose();
  });

  it("rejects a folder that is not empty", async () => {
    const folder = join(scratch, "taken");
    await mkdir(folder);
    await writeFile(join(folder, "thesis.txt"), "the only copy");
    await expect(writeRandomModel(folder, { like, seed: 1 })).rejects.toMatchObject({
      code: "folder_not_empty",
      message: expect.stringContaining(folder),
    });
    expect(await readdir(folder)).toEqual(["thesis.txt"]);
  });

  it("leaves no files when aborted", async () => {
    const controller = new AbortController();
    const stopped = writeRandomModel(join(scratch, "stopped"), {
      like,
      seed: 1,
      signal: controller.signal,
      onProgress: ({ file }) => {
        if (file.startsWith("vae/")) controller.abort(new Error("enough"));
      },
    });
    await expect(stopped).rejects.toThrow("enough");
    expect(await readdir(scratch)).not.toContain("stopped");
  });
});

it.each([
  ["instruct-pix2pix", { unet: 859_532_484 }],
  ["sdxl-instruct-pix2pix", { unet: 2_567_475_204, text_encoder_2: 694_659_840 }],
] as const)("%s has the published number of parameters in every component", (name, own) => {
  const counts = layouts[name]().components.map(({ folder, tensors }) => [
    folder,
    tensors()
      .filter(({ kind }) => kind === "float")
      .reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0),
  ]);
  const common = { vae: 83_653_863, text_encoder: 123_060_480, clip: 427_616_513 };
  expect(Object.fromEntries(counts)).toEqual({ ...common, ...own });
});
