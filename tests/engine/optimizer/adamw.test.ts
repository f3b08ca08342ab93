import { expect, it } from "vitest";
import { initAdamW, updateAdamW } from "../../../engine/optimizer/adamw.ts";
import { learningRateFactor } from "../../../engine/optimizer/learning-rate.ts";

// torch.optim.AdamW([0.5, -1.25, 3.0], lr=0.1), gradients [0.2, -0.4, 1e-6] · (k + 1) at step k, three steps.
const torchAfterThreeSteps = [0.2064796, -0.9542319, 2.7010224];

it("takes the same steps as torch.optim.AdamW", () => {
  let parameters = Float32Array.of(0.5, -1.25, 3);
  let state = initAdamW(3);
  for (const k of [0, 1, 2]) {
    const gradient = Float32Array.of(0.2, -0.4, 1e-6).map((g) => g * (k + 1));
    ({ parameters, state } = updateAdamW(parameters, gradient, state, 0.1) as {
      parameters: typeof parameters;
      state: typeof state;
    });
  }
  for (const [i, value] of torchAfterThreeSteps.entries()) expect(parameters[i]).toBeCloseTo(value, 5);
});

it("does not change its arguments", () => {
  const parameters = Float32Array.of(1, 2);
  const state = initAdamW(2);
  updateAdamW(parameters, Float32Array.of(1, 1), state, 0.1);
  expect([...parameters, ...state.mean, state.step]).toEqual([1, 2, 0, 0, 0]);
});

it("decays the learning rate along a cosine to a twentieth", () => {
  expect(learningRateFactor.cosine(0, 100)).toBe(1);
  expect(learningRateFactor.cosine(99, 100)).toBeCloseTo(0.05, 10);
  expect(learningRateFactor.constant(50, 100)).toBe(1);
});
