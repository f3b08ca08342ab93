import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openPipeline } from "../../../engine/pipeline/pipeline.ts";
import { openFixture } from "./expected-values.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-model-"));
  await cp((await openFixture("tiny-mini")).folder, folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true }));

const open = () => openPipeline(folder, { device: "cpu" });
async function change(file: string, edit: (config: Record<string, unknown>) => void) {
  const config = JSON.parse(await readFile(join(folder, file), "utf8"));
  edit(config);
  await writeFile(join(folder, file), JSON.stringify(config));
}

it("names a missing folder, and what to do", async () => {
  await expect(openPipeline(join(folder, "nowhere"), { device: "cpu" })).rejects.toMatchObject({
    code: "model_not_found",
    message: expect.stringMatching(/nowhere.*"mini"/),
  });
});

it.each([
  ["dual_cross_attention", true],
  ["class_embed_type", "timestep"],
  ["time_embedding_type", "fourier"],
  ["a_key_of_the_future", 1],
])("rejects the UNet setting %s = %s by name", async (key, value) => {
  await change("unet/config.json", (config) => {
    config[key] = value;
  });
  await expect(open()).rejects.toMatchObject({
    code: "unsupported_config",
    message: expect.stringContaining(key),
  });
});

it("names an unsupported autoencoder class", async () => {
  await change("vae/config.json", (config) => {
    config._class_name = "VQModel";
  });
  await expect(open()).rejects.toMatchObject({ message: expect.stringMatching(/VQModel.*AutoencoderKL/) });
});

it("reports a model that does not edit images", async () => {
  await change("unet/config.json", (config) => {
    config.in_channels = 12;
  });
  await expect(open()).rejects.toMatchObject({ code: "not_an_editing_model" });
});

it("names the tensor whose shape the config contradicts", async () => {
  await change("unet/config.json", (config) => {
    config.block_out_channels = [16, 40];
  });
  const pipeline = await open();
  const size = 12 * 8 * 8;
  const batch = {
    latents: new Float32Array(size),
    image: new Float32Array(size),
    timesteps: Float32Array.of(1),
  };
  const text = new Float32Array(pipeline.textLength * pipeline.textWidth);
  await expect(pipeline.predict({ ...batch, text, height: 8, width: 8 })).rejects.toMatchObject({
    code: "mismatched_checkpoint",
    message: expect.stringMatching(/down_blocks\.1\.\S+ has shape \[32.*requires \[40/),
  });
});

it("names the missing file", async () => {
  await rm(join(folder, "scheduler"), { recursive: true });
  await expect(open()).rejects.toThrow(/scheduler_config\.json/);
});
