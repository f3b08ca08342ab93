import { expect, it } from "vitest";
import type { z } from "zod";
import { batchKey } from "../../../gpu-worker/compute/job-work.ts";
import type { Job } from "../../../shared/jobs/job.ts";
import { editOptionsSchema } from "../../../shared/resources/edit.ts";
import { maxResultBytes } from "../../../shared/result-size.ts";

type Options = Required<z.infer<typeof editOptionsSchema>>;

/** Options that each job of a batch has for itself. */
const own = ["noise", "seed", "count", "photo_metadata", "color_profile", "format"] as const;

/** Two values of every other option. */
const shared: {
  readonly [Name in Exclude<keyof Options, (typeof own)[number]>]: readonly [Options[Name], Options[Name]];
} = {
  text: ["night", "sepia"],
  mixing: ["joined", "in-turn"],
  text_guidance: [1, 2],
  image_guidance: [1, 2],
  guidance_interval: [
    [0, 0.5],
    [0.5, 1],
  ],
  steps: [4, 8],
  scheduler: ["ddim", "euler"],
  negative: ["blurry", "dark"],
  strength: [0.5, 1],
};

const keyOf = (options: object) =>
  batchKey({
    account: "acct_1",
    attempt: 0,
    request: { kind: "edit", images: ["upl_1"], ...options },
  } as unknown as Job);

it("edits run as one batch only with equal sampling options", () => {
  expect(Object.keys(editOptionsSchema.shape).sort()).toEqual([...own, ...Object.keys(shared)].sort());
  expect(keyOf({ steps: 4, text: "night", seed: 1 })).toBe(keyOf({ text: "night", steps: 4, seed: 2 }));
  for (const [name, [value, other]] of Object.entries(shared)) {
    const keys = [keyOf({}), keyOf({ [name]: value }), keyOf({ [name]: other })];
    expect(new Set(keys).size, name).toBe(3);
  }
});

it("edits with large results run alone", () => {
  const keyOfResults = (reserved_bytes: number) =>
    batchKey({
      account: "acct_1",
      attempt: 0,
      request: { kind: "edit", images: ["upl_1"] },
      reserved_bytes,
    } as unknown as Job);
  const resultOf = (width: number, height: number) =>
    maxResultBytes({}, { content_type: "image/jpeg", width, height });
  expect(keyOfResults(resultOf(5472, 3648))).toBeDefined();
  expect(keyOfResults(resultOf(8160, 6120))).toBeUndefined();
});
