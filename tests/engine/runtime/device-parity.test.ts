import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LossSettings, lossGraph } from "../../../engine/inversion/loss-graph.ts";
import type { Precision } from "../../../engine/networks/precision.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { SeededRandom } from "../../../engine/random/seeded-random.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";
import { type Device, environmentFor } from "../../../engine/runtime/device.ts";
import { openFixture, relativeDeviation } from "../networks/expected-values.ts";
import { whyNoCuda } from "./cuda-here.ts";
import { hasSoftwareAdapter, softwareAdapter } from "./software-adapter.ts";

interface OnDevice {
  readonly device: Device;
  readonly precision: Precision;
  /** Of the largest element, against float32 on the CPU. */
  readonly agreement: number;
  /** Why it cannot be tested on this machine. */
  readonly missing: string | undefined;
}

const noAdapter = hasSoftwareAdapter ? undefined : "Debian's chromium and libvulkan1 are not installed";
const cases: readonly OnDevice[] = [
  // float32 on shaders, whose exp and erf are approximations: measured 8e-5 through the whole network and
  // back.
  { device: "webgpu", precision: "fp32", agreement: 4e-4, missing: noAdapter },
  { device: "cuda", precision: "fp32", agreement: 4e-4, missing: whyNoCuda },
  { device: "cuda", precision: "fp16", agreement: 2e-2, missing: whyNoCuda },
];
for (const { device, precision, missing } of cases)
  if (missing) console.warn(`Parity of ${device} in ${precision} is NOT tested here: ${missing}.`);

const size = { height: 8, width: 8 };
const tokens = 5;
const settings: LossSettings = {
  batch: 1,
  ...size,
  space: "text",
  tokens,
  textGuidance: 1,
  mseWeight: 4,
  clipWeight: 0,
};
const lossScale = 64;

describe.each(cases)("$device in $precision", ({ device, precision, agreement, missing }) => {
  let cpu: Pipeline;
  let other: Pipeline;
  beforeAll(async () => {
    if (missing) return;
    if (device === "webgpu") process.env.VK_ICD_FILENAMES ??= softwareAdapter;
    Object.assign(process.env, { ...environmentFor(device, precision), ...process.env });
    const { folder } = await openFixture("tiny-mini");
    cpu = await openPipeline(folder, { device: "cpu" });
    other = await openPipeline(folder, { device, precision });
  });
  afterAll(async () => {
    await cpu?.dispose();
    await other?.dispose();
  });

  const drawFeeds = () => {
    const random = new SeededRandom(1, "device parity");
    const [count, row] = [12 * 64, cpu.textWidth];
    return {
      latents: random.normals(count),
      image: random.normals(count),
      timesteps: Float32Array.of(500),
      target: random.normals(count),
      frozen: random.normals(count),
      bos: random.normals(row),
      instruction: random.normals(tokens * row),
      rest: random.normals((cpu.textLength - 1 - tokens) * row),
    };
  };

  it.skipIf(missing)(
    "computes the CPU's loss and gradient",
    async () => {
      const [expected, actual] = await Promise.all(
        [cpu, other].map(async (pipeline) => {
          const session = await pipeline.session("loss", () => optimize(lossGraph(pipeline.model, settings)));
          const half = pipeline === other && precision === "fp16";
          return session.run({ ...drawFeeds(), ...(half ? { loss_scale: Float32Array.of(lossScale) } : {}) });
        }),
      );
      expect(relativeDeviation(actual!.loss!, expected!.loss!)).toBeLessThan(agreement);
      expect(relativeDeviation(actual!.gradient!, expected!.gradient!)).toBeLessThan(agreement);
    },
    180_000,
  );

  it.skipIf(missing)(
    "encodes, predicts and decodes like the CPU",
    async () => {
      const { latents, image, timesteps } = drawFeeds();
      const made = [];
      for (const pipeline of [cpu, other]) {
        const told = await pipeline.encodePrompt("a red apple on the table");
        const prediction = await pipeline.predict({ latents, image, timesteps, ...told, ...size });
        const pixels = await pipeline.decodeLatents({ channels: 12, ...size, data: latents });
        made.push({ text: told.text, prediction, pixels: pixels.data });
      }
      const [expected, actual] = made;
      for (const name of ["text", "prediction", "pixels"] as const)
        expect(relativeDeviation(actual![name], expected![name]), name).toBeLessThan(agreement);
    },
    180_000,
  );
});
