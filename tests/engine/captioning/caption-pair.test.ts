import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { captionPair, parsePhrases } from "../../../engine/captioning/caption-pair.ts";
import { decodeImage } from "../../../engine/images/decode-image.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { drawImage } from "../images/drawn-images.ts";
import { openFixture } from "../networks/expected-values.ts";

const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
let mini: Pipeline;
let tiny: Pipeline;
beforeAll(async () => {
  mini = await openPipeline(root("models/mini"), { device: "cpu" });
  tiny = await openPipeline((await openFixture("tiny-mini")).folder, { device: "cpu" });
});
afterAll(async () => {
  await mini.dispose();
  await tiny.dispose();
});

describe("the nearest phrase", () => {
  it("selects a phrase of the bundled model's list that names the edit for four of six edits", async () => {
    const edits = {
      "pencil-sketch": /pencil sketch/,
      sepia: /sepia/,
      fog: /fog/,
      vignette: /vignette/,
      "comic-medium": /comic/,
      night: /night/,
    };
    const named: string[] = [];
    for (const [name, words] of Object.entries(edits)) {
      const read = async (file: string) =>
        (await decodeImage(root(`evaluation-set/${name}/pairs/01/${file}.jpg`))).image;
      const pair = { before: await read("before"), after: await read("after") };
      if (words.test((await captionPair(mini, pair, "phrase", { seed: 0 })).text)) named.push(name);
    }
    expect(named.length, named.join(", ")).toBeGreaterThanOrEqual(4);
  });

  it("has the highest similarity, in any order of the phrases", async () => {
    const before = drawImage(64, 64, (u, v) => Math.sin(9 * u) * Math.cos(5 * v));
    const after = drawImage(64, 64, (u, v) => 0.5 * Math.sin(9 * u) * Math.cos(5 * v) - 0.4);
    const phrases = ["a red apple", "blue", "make it night", "an old photo of a tree"];
    const options = (list: readonly string[]) => ({ seed: 0, phrases: list });
    const single = [];
    for (const phrase of phrases)
      single.push(await captionPair(tiny, { before, after }, "phrase", options([phrase])));
    const best = single.reduce((a, b) => (a.similarity >= b.similarity ? a : b));
    for (const list of [phrases, [...phrases].reverse()])
      expect(await captionPair(tiny, { before, after }, "phrase", options(list))).toEqual(best);
  });

  it("skips phrases that the model cannot encode, and rejects a list of only such phrases", async () => {
    const before = drawImage(64, 64, (u) => u);
    const pair = { before, after: drawImage(64, 64, (u) => -u) };
    const long = "very ".repeat(200);
    expect((await captionPair(tiny, pair, "phrase", { seed: 0, phrases: [long, "blue"] })).text).toBe("blue");
    await expect(captionPair(tiny, pair, "phrase", { seed: 0, phrases: [long] })).rejects.toThrow(
      "No phrase is short enough for this model",
    );
  });

  it("needs a list if the model folder has none", async () => {
    const image = drawImage(64, 64, (u) => u);
    const pair = { before: image, after: drawImage(64, 64, (u) => -u) };
    await expect(captionPair(tiny, pair, "phrase", { seed: 0 })).rejects.toThrow(
      "give one with --phrases FILE",
    );
  });
});

it("reads phrases from a file, one per line", () => {
  expect(parsePhrases("make it night\r\n\n  a red apple \n")).toEqual(["make it night", "a red apple"]);
});
