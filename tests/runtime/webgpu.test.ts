import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LossSettings, lossGraph } from "../../gpu-worker/inversion/loss-graph.ts";
import { openPipeline, type Pipeline } from "../../gpu-worker/pipeline/pipeline.ts";
import { SeededRandom } from "../../gpu-worker/random/seeded-random.ts";
import { openFixture, relativeDeviation } from "../models/expected-values.ts";

/** A WebGPU adapter in software, as Debian's `chromium` and `libvulkan1` bring it. */
const softwareAdapter = "/usr/lib/chromium/vk_swiftshader_icd.json";
const vulkan = ["/usr/lib/x86_64-linux-gnu/libvulkan.so.1", "/usr/lib/aarch64-linux-gnu/libvulkan.so.1"];
const present = existsSync(softwareAdapter) && vulkan.some((path) => existsSync(path));
if (!present)
  console.warn("WebGPU parity is NOT tested here: install Debian's chromium and libvulkan1 to run it.");

/** float32 on shaders, whose exp and erf are approximations: measured 8e-5 through the whole network and back. */
const agreement = 4e-4;

describe.skipIf(!present)("WebGPU, on the software adapter", () => {
  let cpu: Pipeline;
  let webgpu: Pipeline;
  beforeAll(async () => {
    process.env.VK_ICD_FILENAMES ??= softwareAdapter;
    const { folder } = await openFixture("tiny-mini");
    cpu = await openPipeline(folder, { device: "cpu" });
    webgpu = await openPipeline(folder, { device: "webgpu" });
  });
  afterAll(async () => {
    await cpu.dispose();
    await webgpu.dispose();
  });

  it("gives the inversion's loss and gradient as the CPU does", async () => {
    const size = { height: 8, width: 8 };
    const random = new SeededRandom(1, "webgpu");
    const [count, row, tokens] = [12 * 64, cpu.textWidth, 5];
    const feeds = {
      latents: random.normals(count),
      image: random.normals(count),
      timesteps: Float32Array.of(500),
      target: random.normals(count),
      frozen: random.normals(count),
      bos: random.normals(row),
      instruction: random.normals(tokens * row),
      rest: random.normals((cpu.textLength - 1 - tokens) * row),
    };
    const settings: LossSettings = {
      batch: 1,
      ...size,
      space: "text",
      tokens,
      textGuidance: 1,
      mseWeight: 4,
      clipWeight: 0,
    };
    const [expected, actual] = await Promise.all(
      [cpu, webgpu].map(async (pipeline) =>
        (await pipeline.session("loss", () => lossGraph(pipeline.model, settings))).run(feeds),
      ),
    );
    expect(relativeDeviation(actual!.loss!, expected!.loss!)).toBeLessThan(agreement);
    expect(relativeDeviation(actual!.gradient!, expected!.gradient!)).toBeLessThan(agreement);
  }, 180_000);
});
