import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { openFixture } from "../networks/expected-values.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await openPipeline((await openFixture("tiny-mini")).folder, { device: "cpu" });
});
afterAll(() => pipeline.dispose());

it("encodes a text once, and again after many others", async () => {
  const first = pipeline.encodePrompt("a red apple");
  const { text } = await first;
  expect(pipeline.encodePrompt("a red apple")).toBe(first);
  for (let index = 0; index < 64; index++) await pipeline.encodePrompt(`${index} apples`);
  const again = pipeline.encodePrompt("a red apple");
  expect(again).not.toBe(first);
  expect((await again).text).toEqual(text);
});

it("does not cache a failure", async () => {
  vi.spyOn(pipeline, "session").mockRejectedValueOnce(new Error("device lost"));
  await expect(pipeline.encodePrompt("a green apple")).rejects.toThrow("device lost");
  expect((await pipeline.encodePrompt("a green apple")).text.every(Number.isFinite)).toBe(true);
});
