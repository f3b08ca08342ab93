import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";
import { Session } from "../../../engine/runtime/session.ts";
import { openFixture } from "../networks/expected-values.ts";
import { hasSoftwareAdapter, softwareAdapter } from "./software-adapter.ts";

if (!hasSoftwareAdapter)
  console.warn(
    "What WebGPU does at its limits is NOT tested here: install Debian's chromium and libvulkan1 to run it.",
  );

describe.skipIf(!hasSoftwareAdapter)("WebGPU at its limits, on the software adapter", () => {
  let webgpu: Pipeline;
  beforeAll(async () => {
    process.env.VK_ICD_FILENAMES ??= softwareAdapter;
    const { folder } = await openFixture("tiny-mini");
    webgpu = await openPipeline(folder, { device: "webgpu" });
  });
  afterAll(async () => {
    await webgpu.dispose();
  });

  it("rejects a value above the adapter's limit with a clear message, and keeps working", async () => {
    const graph = new GraphBuilder("huge");
    const x = graph.input("x", "float32", [1, 1]);
    const side = 2 ** 16;
    graph.output("y", graph.reduceSum(graph.exp(graph.expand(x, [side, side])), [0, 1]));
    const session = await Session.create(optimize(graph.build()), { device: "webgpu", root: "/" });
    await expect(session.run({ x: Float32Array.of(0) })).rejects.toMatchObject({
      code: "not_enough_memory",
      message: expect.stringMatching(/does not support values as large as this image size needs \(huge: /),
    });
    await session.dispose();
    expect((await webgpu.encodeText("a red apple")).every(Number.isFinite)).toBe(true);
  });

  it("reports that the adapter has no half precision, and what to use instead", async () => {
    const { folder } = await openFixture("tiny-mini");
    const half = await openPipeline(folder, { device: "webgpu", precision: "fp16" });
    const size = { height: 8, width: 8 };
    const latents = new Float32Array(12 * 64);
    const told = await half.encodePrompt("a red apple");
    const asked = { latents, image: latents, timesteps: Float32Array.of(500), ...told, ...size };
    await expect(half.predict(asked)).rejects.toMatchObject({
      code: "device_unavailable",
      message: expect.stringMatching(/\(shader-f16\)\. Use --precision fp32\./),
    });
    await half.dispose();
  });

  it("reports exhausted memory during a run, and keeps working", async () => {
    const script = fileURLToPath(new URL("exhaust-webgpu.mts", import.meta.url));
    const { stdout } = await promisify(execFile)("npx", ["tsx", script]);
    expect(JSON.parse(stdout.trimEnd().split("\n").at(-1)!)).toEqual({
      failure: {
        code: "not_enough_memory",
        message: expect.stringMatching(/^Device webgpu is out of memory \(filled_16384\)/),
      },
      after: 64 * 64,
    });
  });
});
