import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeImage } from "../../../engine/images/decode-image.ts";
import { encodeImage } from "../../../engine/images/write-image.ts";
import { decodeInstruction } from "../../../engine/instruction/instruction-file.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { learnTask } from "../../../gpu-worker/compute/learn-task.ts";
import type { LearnTask, TaskEvent } from "../../../gpu-worker/compute/protocol.ts";
import { negative, waves } from "../../engine/evaluation/make-set.ts";
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
    ...{ seed: 4, steps: 2, saveEvery: 1000, previews: 2 },
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
  it("tells a first preview, at the photo's own size, before it prepares any sample", async () => {
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

  it("names no words that it started from, but where the caller gave some", async () => {
    expect((await run()).instruction.init).toBeUndefined();
    expect((await run({ init: "a red apple" })).instruction.init).toBe("a red apple");
  });

  it("answers with the encoder's rows in 0 steps", async () => {
    const { instruction, steps } = await run({ steps: 0 });
    expect(steps).toBe(0);
    expect(instruction.curve).toEqual([]);
    const { info, tokenCount } = decodeInstruction(instruction.file);
    expect(info).toMatchObject({ start: "pair", hyperParameters: { steps: 0 } });
    expect(tokenCount).toBe(14);
  });

  it("warns of a pair that is a change of colors alone, with the command that repeats it", async () => {
    const { instruction } = await run({ steps: 0 });
    expect(instruction.warnings).toEqual([
      expect.stringMatching(
        /^The pair is a change of colors alone, .* \d\d+\.\d dB .*: visii lut --pair BEFORE AFTER --out look\.cube$/,
      ),
    ]);
  });
});
