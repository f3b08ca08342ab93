import { expect, it } from "vitest";
import { schedulerKinds } from "../../engine/schedulers/create-scheduler.ts";
import { samplers } from "../../shared/resources/edit.ts";

it("the API has every sampler of the engine", () => {
  expect(samplers).toEqual(schedulerKinds);
});
