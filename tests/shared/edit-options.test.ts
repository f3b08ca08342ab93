import { expect, it } from "vitest";
import { schedulerKinds } from "../../engine/schedulers/create-scheduler.ts";
import { editOptionsSchema, samplers } from "../../shared/resources/edit.ts";

it("the API has every sampler of the engine", () => {
  expect(samplers).toEqual(schedulerKinds);
});

it("a guidance interval has two ends in order", () => {
  const accepts = (guidance_interval: unknown) => editOptionsSchema.safeParse({ guidance_interval }).success;
  for (const interval of [
    [0, 1],
    [0.25, 0.75],
    [0.5, 0.5],
  ])
    expect(accepts(interval)).toBe(true);
  for (const interval of [[], [0.5], [0, 0.5, 1], [0.8, 0.2], [-0.1, 1], [0, 1.1], ["0", "1"], 0.5])
    expect(accepts(interval)).toBe(false);
  const { error } = editOptionsSchema.safeParse({ guidance_interval: [0.8, 0.2] });
  expect(error!.issues).toMatchObject([
    { path: ["guidance_interval"], message: "must be in order: the first number at most the second" },
  ]);
});
