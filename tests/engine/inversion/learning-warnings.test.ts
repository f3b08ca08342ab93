import { describe, expect, it } from "vitest";
import { learningWarnings, minGain } from "../../../engine/inversion/learning-warnings.ts";

const run = (initialValidation: number, validation: number, bestStep: number) =>
  learningWarnings({
    init: "a red apple",
    losses: { first: 1, last: 1, initialValidation, validation, bestStep, curve: [] },
  });

describe("learningWarnings", () => {
  it("returns nothing if the validation loss fell", () => {
    expect(run(0.5, 0.5 * (1 - minGain) - 0.01, 50)).toEqual([]);
  });

  it("warns if the init stayed the best, with the figures", () => {
    expect(run(0.5, 0.5, 0)).toEqual([
      expect.stringMatching(/^Nothing was learned beyond the init “a red apple” .* 0\.5000 → 0\.5000/),
    ]);
  });

  it("uses only the timesteps that decide an edit", () => {
    const losses = { first: 1, last: 1, initialValidation: 0.2, validation: 0.19, bestStep: 50, curve: [] };
    const decided = (learned: number) =>
      learningWarnings({ init: "a red apple", losses: { ...losses, decisive: { words: 0.8, learned } } });
    expect(decided(0.8 * (1 - minGain) - 0.01)).toEqual([]);
    expect(decided(0.8 * (1 - minGain) + 0.01)).toEqual([
      expect.stringMatching(
        /^Hardly anything was learned .* \(loss 0\.8000 → 0\.7460 at the timesteps that decide an edit\)/,
      ),
    ]);
  });

  it("warns if the loss hardly fell", () => {
    expect(run(0.5, 0.5 * (1 - minGain) + 0.01, 50)).toEqual([
      expect.stringMatching(/^Hardly anything was learned/),
    ]);
  });
});
