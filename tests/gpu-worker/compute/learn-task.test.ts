import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { psnr } from "../../../engine/image-quality/psnr.ts";
import { decodeImage } from "../../../engine/images/decode-image.ts";
import { encodeImage } from "../../../engine/images/write-image.ts";
import { decodeInstruction } from "../../../engine/instruction/instruction-file.ts";
import { applyLut } from "../../../engine/lut/color-lut.ts";
import { readCube } from "../../../engine/lut/cube-file.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { learnTask } from "../../../gpu-worker/compute/learn-task.ts";
import type { LearnTask, TaskEvent } from "../../../gpu-worker/compute/protocol.ts";
import { negative, waves } from "../../engine/images/drawn-images.ts";
import { type ComposedModel, modelWithPairEncoder } from "../../engine/networks/model-with-pair-encoder.ts";

let [model, pipeline]: [ComposedModel?, Pipeline?] = [];
let task: LearnTask;
beforeAll(async () => {
  model = await modelWithPairEncoder();
  pipeline = await openPipeline(model.folder, { device: "cpu" });
  const before = waves(96, 64);
  task = {
    kind: "learn",
    pairs: [{ before: await encodeImage(before, "png"), after: await encodeImage(negative(before), "png") }],
    seed: 4,
    steps: 2,
    saveEvery: 1000,
    previews: 2,
  };
});
afterAll(async () => {
  await pipeline!.dispose();
  await model!.dispose();
});

async function run(changes: Partial<LearnTask> = {}) {
  const events: TaskEvent[] = [];
  const done = await learnTask(
    pipeline!,
    { ...task, ...changes },
    new AbortController().signal,
    async (event) => {
      events.push(event);
    },
  );
  return { events, instruction: done.instruction!, steps: done.steps };
}

describe("a learning job of a model with a pair encoder", () => {
  it("reports a first preview, at the photo's own size, before it prepares any sample", async () => {
    const { events } = await run();
    const first = events.findIndex(({ type }) => type === "preview");
    const preview = events[first];
    if (preview?.type !== "preview") throw new Error("no preview was told");
    expect(preview.step).toBe(0);
    const { image } = await decodeImage(preview.jpeg);
    expect([image.width, image.height]).toEqual([96, 64]);
    const stages = events
      .slice(0, first)
      .flatMap((event) => (event.type === "progress" ? [event.stage] : []));
    expect(new Set(stages)).toEqual(new Set(["prepare"]));
    expect(events.flatMap((event) => (event.type === "preview" ? [event.step] : []))).toEqual([0, 1, 2]);
  });

  it("reports init words only if the caller gave some", async () => {
    expect((await run()).instruction.init).toBeUndefined();
    expect((await run({ init: "a red apple" })).instruction.init).toBe("a red apple");
  });

  it("returns the encoder's rows in 0 steps", async () => {
    const { instruction, steps } = await run({ steps: 0 });
    expect(steps).toBe(0);
    expect(instruction.curve).toEqual([]);
    const { info, tokenCount } = decodeInstruction(instruction.file);
    expect(info).toMatchObject({ start: "pair", hyperParameters: { steps: 0 } });
    expect(tokenCount).toBe(14);
  });

  it("warns about a pair that only changes colors, and makes a lookup table of it", async () => {
    const { events, instruction } = await run({ steps: 0 });
    expect(instruction.warnings).toEqual([
      expect.stringMatching(/^The pair is a color change, .* \d\d+\.\d dB .*: see lut_url$/),
    ]);
    const [lut] = events.filter(({ type }) => type === "lut");
    if (lut?.type !== "lut") throw new Error("no table was made");
    const path = join(await mkdtemp(join(tmpdir(), "visii-lut-")), "look.cube");
    await writeFile(path, lut.cube);
    const [{ image: before }, { image: after }] = [
      await decodeImage(task.pairs[0]!.before),
      await decodeImage(task.pairs[0]!.after),
    ];
    expect(psnr(applyLut(await readCube(path), before), after)).toBeGreaterThan(35);
  });

  it("makes no lookup table of any other edit", async () => {
    const after = await encodeImage(waves(96, 64, 2), "png");
    const { events, instruction } = await run({
      steps: 0,
      pairs: [{ before: task.pairs[0]!.before, after }],
    });
    expect(instruction.warnings.join()).not.toContain("lookup table");
    expect(events.some(({ type }) => type === "lut")).toBe(false);
  });

  it("makes a preview of the first pair, side by side", async () => {
    const { events } = await run({ steps: 0 });
    const [thumbnail] = events.filter(({ type }) => type === "thumbnail");
    if (thumbnail?.type !== "thumbnail") throw new Error("no thumbnail was made");
    const { image } = await decodeImage(thumbnail.jpeg);
    expect([image.width, image.height]).toEqual([384, 192]);
    // After is before's negative, so the halves mirror each other about gray.
    const at = (x: number, y: number) => image.data[y * 384 + x]!;
    for (const [x, y] of [
      [20, 20],
      [96, 96],
      [150, 60],
    ] as const)
      expect(at(x, y) + at(x + 192, y)).toBeCloseTo(0, 0);
  });
});
