import { expect, it } from "vitest";
import { secondsFor } from "../../../engine/capacity/measure-rates.ts";
import { editNeeds, learnNeeds, needsOf } from "../../../engine/capacity/model-needs.ts";
import { requireMemory } from "../../../engine/capacity/require-memory.ts";
import { requireSoundDevice, selfTest, tolerances } from "../../../engine/capacity/self-test.ts";
import { readModelFolder } from "../../../engine/pipeline/model-folder.ts";
import { openFixture } from "../networks/expected-values.ts";

const model = await readModelFolder((await openFixture("tiny-ip2p")).folder);

it("the CPU passes its self-test by a wide margin", async () => {
  expect(await selfTest("cpu")).toBeLessThan(tolerances.cpu / 100);
  await expect(requireSoundDevice("cpu")).resolves.toBeUndefined();
});

it("a larger image needs more of everything except weights", () => {
  const [small, large] = [needsOf(model, 64, 64), needsOf(model, 128, 64)];
  expect(large.learn.weights).toBe(small.learn.weights);
  // The rotated kernels that learning holds beside the intermediate values have a fixed size.
  expect(large.learn.activations).toBeGreaterThan(1.5 * small.learn.activations);
  expect(large.edit.activations).toBeGreaterThan(1.9 * small.edit.activations);
  expect(large.edit.whole.convolution).toBeGreaterThan(1.9 * small.edit.whole.convolution);
  // Learning keeps values for the backward pass, at least for one block at a time. Editing does not.
  expect(small.learn.activations).toBeGreaterThan(small.edit.activations);
});

it("work divided by rate is time", () => {
  const work = { convolution: 6, product: 8, traffic: 10 };
  expect(secondsFor(work, { convolution: 2, product: 4, traffic: 5 })).toBe(3 + 2 + 2);
});

it("work that does not fit is rejected with the figures and a size that fits", () => {
  const needed = (side: number) => {
    const { weights, activations } = learnNeeds(model, side, side);
    return weights + activations;
  };
  const question = { use: "learn", width: 128, height: 128, multiple: 32, allowed: 14e9 } as const;
  expect(() => requireMemory(model, { ...question, available: needed(128) })).not.toThrow();
  const available = (needed(64) + needed(96)) / 2;
  expect(() => requireMemory(model, { ...question, available })).toThrow(
    expect.objectContaining({
      code: "not_enough_memory",
      message: expect.stringMatching(
        /^Learning at 128×128 with tiny-ip2p needs \d+ MB of memory, but \d+ MB are free\. Use --size 64, or more free memory\.$/,
      ),
    }),
  );
  expect(() => requireMemory(model, { ...question, use: "edit", available: 1000 })).toThrow(
    /^Editing at .*1 kB are free\. No image size fits; use more free memory, or a smaller model\.$/,
  );
});

it.each([
  ["learn", learnNeeds],
  ["edit", editNeeds],
] as const)("work whose largest part exceeds the limit is rejected (%s)", (use, needs) => {
  const largest = (side: number) => needs(model, side, side).largest;
  const question = { use, width: 128, height: 128, multiple: 32, available: 14e9 } as const;
  expect(() => requireMemory(model, { ...question, allowed: largest(128) })).not.toThrow();
  const allowed = (largest(64) + largest(96)) / 2;
  expect(() => requireMemory(model, { ...question, allowed })).toThrow(
    /at once, but the limit is \d+ MB\. Use --size 64, or more with --memory\.$/,
  );
  expect(() => requireMemory(model, { ...question, allowed: 10 })).toThrow(
    /the limit is 10 bytes\. No image size fits; use more with --memory, or a smaller model\.$/,
  );
});
