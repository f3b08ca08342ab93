import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { openSafetensors, readTensor } from "../../../engine/weights/safetensors-file.ts";
import { openFixture, relativeDeviation } from "./expected-values.ts";

/** float32 through some twenty convolutions. */
const agreement = 1e-5;

/** Scaling factor of Stable Diffusion 1's AutoencoderKL. */
const scalingFactor = 0.18215;

const tiny = fileURLToPath(new URL("../../fixtures/autoencoder-tiny", import.meta.url));
let folder: string;
let pipeline: Pipeline;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-tiny-"));
  await cp((await openFixture("tiny-ip2p")).folder, folder, { recursive: true });
  await rm(join(folder, "vae"), { recursive: true });
  await cp(tiny, join(folder, "vae"), { recursive: true });
  pipeline = await openPipeline(folder, { device: "cpu" });
});
afterAll(async () => {
  await pipeline.dispose();
  await rm(folder, { recursive: true });
});

const expected = async (name: string) =>
  readTensor(await openSafetensors(join(tiny, "expected.safetensors")), name);

it("AutoencoderTiny encodes like diffusers, to scaled latents", async () => {
  const latents = await pipeline.encodeImage({ width: 64, height: 32, data: await expected("inputs.image") });
  expect([latents.channels, latents.height, latents.width]).toEqual([4, 4, 8]);
  const seen = pipeline.scaleLatents(latents);
  expect(relativeDeviation(seen.data, await expected("outputs.latents"))).toBeLessThan(agreement);
});

it("AutoencoderTiny encodes the image condition in the units of the original autoencoder", async () => {
  const { data } = await pipeline.encodeImage({
    width: 64,
    height: 32,
    data: await expected("inputs.image"),
  });
  const condition = (await expected("outputs.latents")).map((x) => x / scalingFactor);
  expect(relativeDeviation(data, condition)).toBeLessThan(agreement);
});

it("AutoencoderTiny decodes like diffusers, within 8-bit precision", async () => {
  const data = await expected("inputs.latents");
  const latents = pipeline.unscaleLatents({ channels: 4, height: 4, width: 8, data });
  const image = await pipeline.decodeLatents(latents);
  const wanted = (await expected("outputs.image")).map((x) => Math.max(-1, Math.min(1, x)));
  expect(wanted.filter((x) => Math.abs(x) < 1).length).toBeGreaterThan(wanted.length / 4);
  expect(relativeDeviation(image.data, wanted)).toBeLessThan(agreement);
});
