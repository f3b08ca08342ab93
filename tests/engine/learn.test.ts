import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  decodeInstruction,
  edit,
  encodeImage,
  encodeInstruction,
  type LearnEvent,
  type LearnHooks,
  learn,
  openPipeline,
  type Pipeline,
  type ReadPairs,
  readPairs,
  writeImage,
  writeInstruction,
} from "../../engine/index.ts";
import { negative, waves } from "./images/drawn-images.ts";
import { openFixture } from "./networks/expected-values.ts";

const steps = 4;
const before = waves(96, 64);
let folder: string;
let pipeline: Pipeline;
let pairs: ReadPairs["pairs"];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-learn-"));
  pipeline = await openPipeline((await openFixture("tiny-mini")).folder, { device: "cpu", resolution: 48 });
  ({ pairs } = await readPairs([{ before, after: negative(before) }]));
});
afterAll(async () => {
  await pipeline.dispose();
  await rm(folder, { recursive: true });
});

const learnSteps = (hooks: LearnHooks = {}) => learn(pipeline, pairs, { seed: 3, steps }, hooks);

describe("learn", () => {
  it("reports the size, every stage, and previews of the photo's size, each before the next step", async () => {
    const events: LearnEvent[] = [];
    const sizes: unknown[] = [];
    let inHand = 0;
    await learnSteps({
      previews: 2,
      onFitted: ({ width, height, notices }) => void sizes.push([width, height, notices]),
      async onEvent(event) {
        expect(++inHand).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        inHand--;
        events.push(event);
      },
    });
    expect(sizes).toEqual([[64, 40, []]]);
    expect([...new Set(events.map(({ stage }) => stage))]).toEqual(["prepare", "prepare_samples", "learn"]);
    const previews = events.filter(({ preview }) => preview);
    expect(previews.map(({ step, preview }) => [step, preview!.width, preview!.height])).toEqual([
      [2, 96, 64],
      [4, 96, 64],
    ]);
  });

  it("saves a state at an interval and on abort, and resumes from it to the same bits", async () => {
    const whole = await learnSteps();
    const saved: Uint8Array[] = [];
    const onCheckpoint = async (state: Uint8Array) => void saved.push(state);
    await learnSteps({ onCheckpoint, saveEvery: 1e6 });
    expect(saved).toEqual([]);
    await learnSteps({ onCheckpoint, saveEvery: 0 });
    expect(saved).toHaveLength(steps);

    const stop = new AbortController();
    saved.length = 0;
    await expect(
      learnSteps({
        signal: stop.signal,
        onCheckpoint,
        saveEvery: 1e6,
        onEvent: ({ stage, step }) =>
          void (stage === "learn" && step === 2 && stop.abort(new Error("enough"))),
      }),
    ).rejects.toThrow("enough");
    const resumed = await learnSteps({ resume: saved.at(-1)! });
    expect(encodeInstruction(resumed.instruction)).toEqual(encodeInstruction(whole.instruction));
  });

  it("fails with its listener's error", async () => {
    await expect(learnSteps({ onEvent: () => Promise.reject(new Error("disk full")) })).rejects.toThrow(
      "disk full",
    );
  });

  it("starts from a caption and reports it", async () => {
    const captions: unknown[] = [];
    const { instruction } = await learn(
      pipeline,
      pairs,
      { seed: 3, steps, caption: "phrase", phrases: ["a red apple", "green"] },
      { onEvent: ({ caption }) => void (caption !== undefined && captions.push(caption)) },
    );
    expect(captions).toEqual([instruction.info.init]);
  });
});

describe("an instruction's bytes", () => {
  it("equal its file, and decode to the same instruction", async () => {
    const { instruction } = await learnSteps();
    const path = join(folder, "edit.visii");
    await writeInstruction(path, instruction);
    const bytes = encodeInstruction(instruction);
    expect(Buffer.from(bytes).equals(await readFile(path))).toBe(true);
    expect(decodeInstruction(bytes)).toEqual(instruction);
    expect(() => decodeInstruction(bytes.subarray(9))).toThrow(/^The file is not an instruction/);
  });
});

describe("readPairs", () => {
  it("accepts files, bytes and pixels, and names each in errors", async () => {
    const file = join(folder, "before.png");
    await writeImage(file, before);
    const bytes = await encodeImage(negative(before), "png");
    const read = await readPairs([
      { before: file, after: bytes },
      { before, after: before },
    ]);
    expect(read.pairs[0].before).toEqual((await readPairs([{ before: file, after: file }])).pairs[0].before);
    expect(read.warnings).toEqual([
      expect.stringMatching(/^The before image of pair 2 and the after image of pair 2 are nearly identical/),
    ]);
    await expect(readPairs([{ before: bytes.subarray(0, 90), after: bytes }])).rejects.toThrow(
      /^The before image of pair 1 is a damaged/,
    );
    await expect(readPairs([])).rejects.toMatchObject({ code: "no_pairs" });
  });
});

describe("edit", () => {
  it("returns the photo's own size and transparency, and the same for its file and its pixels", async () => {
    const file = join(folder, "photo.png");
    const alpha = Uint8Array.from({ length: 96 * 64 }, (_, index) => (index % 96 < 48 ? 0 : 255));
    await writeImage(file, before, { alpha });
    const options = { seed: 1, steps: 2 };
    const clear = await edit(pipeline, file, { text: "a red apple" }, options);
    expect([clear.image.width, clear.image.height]).toEqual([96, 64]);
    expect(clear.alpha).toEqual(alpha);

    await writeImage(file, before);
    const fromFile = await edit(pipeline, file, { text: "a red apple" }, options);
    const {
      pairs: [{ before: pixels }],
    } = await readPairs([{ before: file, after: file }]);
    expect(fromFile).toEqual(await edit(pipeline, pixels, { text: "a red apple" }, options));
  });
});
