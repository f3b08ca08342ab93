import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GraphBuilder } from "../../gpu-worker/graph/graph-builder.ts";
import { type LossSettings, lossGraph } from "../../gpu-worker/inversion/loss-graph.ts";
import { openPipeline, type Pipeline } from "../../gpu-worker/pipeline/pipeline.ts";
import { SeededRandom } from "../../gpu-worker/random/seeded-random.ts";
import { Session } from "../../gpu-worker/runtime/session.ts";
import { openFixture, relativeDeviation } from "../models/expected-values.ts";
import { hasSoftwareAdapter, softwareAdapter } from "./software-adapter.ts";

if (!hasSoftwareAdapter)
  console.warn("WebGPU parity is NOT tested here: install Debian's chromium and libvulkan1 to run it.");

/** float32 on shaders, whose exp and erf are approximations: measured 8e-5 through the whole network and back. */
const agreement = 4e-4;

describe.skipIf(!hasSoftwareAdapter)("WebGPU, on the software adapter", () => {
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

  it("refuses a value larger than the adapter takes in words for the user, and goes on working", async () => {
    const graph = new GraphBuilder("huge");
    const x = graph.input("x", "float32", [1, 1]);
    const side = 2 ** 16;
    graph.output("y", graph.reduceSum(graph.exp(graph.expand(x, [side, side])), [0, 1]));
    const session = await Session.create(graph.build(), { device: "webgpu", root: "/" });
    await expect(session.run({ x: Float32Array.of(0) })).rejects.toMatchObject({
      code: "not_enough_memory",
      message: expect.stringMatching(/does not take values as large as this picture size asks for \(huge: /),
    });
    await session.dispose();
    expect((await webgpu.encodeText("a red apple")).every(Number.isFinite)).toBe(true);
  });

  it("says so when its memory is used up in mid-run, and goes on working with what there is", async () => {
    const script = fileURLToPath(new URL("exhaust-webgpu.mts", import.meta.url));
    const { stdout } = await promisify(execFile)("npx", ["tsx", script]);
    expect(JSON.parse(stdout.trimEnd().split("\n").at(-1)!)).toEqual({
      failure: {
        code: "not_enough_memory",
        message: expect.stringMatching(/^The memory of the webgpu device is used up \(filled_16384\)/),
      },
      after: 64 * 64,
    });
  });
});
