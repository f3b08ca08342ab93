import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EvaluationPlan, evaluate } from "../../../engine/evaluation/evaluate.ts";
import { defaultMethods, methodName, parseMethods } from "../../../engine/evaluation/method.ts";
import { readSet } from "../../../engine/evaluation/read-set.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { tinyModel } from "../../cli/run-bin.ts";
import { type ComposedModel, modelWithPairEncoder } from "../networks/model-with-pair-encoder.ts";
import { makeSet, twoCases } from "./make-set.ts";

let [model, pipeline, plan]: [ComposedModel?, Pipeline?, EvaluationPlan?] = [];
beforeAll(async () => {
  model = await modelWithPairEncoder();
  pipeline = await openPipeline(model.folder, { device: "cpu" });
  const set = await makeSet(twoCases());
  plan = {
    cases: (await readSet(set)).slice(1),
    methods: parseMethods("pair,pair-2,learned,learned-words"),
    seeds: [0],
    settings: {
      learning: { steps: 2, overrides: { samples: 4, validationSamples: 2, validationEvery: 0 } },
      editing: { steps: 2 },
    },
    out: join(set, "..", "out"),
  };
});
afterAll(async () => {
  await pipeline!.dispose();
  await model!.dispose();
  await rm(dirname(plan!.out), { recursive: true });
});

describe("an evaluation of a model with a pair encoder", () => {
  it("separates the encoder alone, learning from it and learning from words, with their costs", async () => {
    const { finished } = await evaluate(pipeline!, plan!);
    expect(finished.map(({ method }) => method)).toEqual(["pair", "pair-2", "learned", "learned-words"]);
    const closeness = finished.map(({ tests }) => tests[0]!.scores.psnr);
    expect(new Set(closeness).size).toBe(4);
    const [pair, both, learned, words] = finished.map(({ cost }) => cost.once.evaluations);
    expect([pair, both]).toEqual([0, 0]);
    expect(learned).toBeGreaterThan(0);
    // Learning from the pair also validates the init's words for comparison: two more validation samples.
    expect(learned).toBe(words! + 2);
    for (const { cost } of finished) expect(cost.photo.evaluations).toBe(2 * 3);
  });

  it("reuses its results", async () => {
    expect((await evaluate(pipeline!, plan!)).reused).toBe(4);
  });

  it("rejects the encoder's method for a model without one, before any work", async () => {
    const plain = await openPipeline(tinyModel, { device: "cpu" });
    const out = join(plan!.out, "..", "none");
    await expect(evaluate(plain, { ...plan!, out })).rejects.toMatchObject({ code: "no_pair_encoder" });
    await plain.dispose();
  });
});

describe("the names of methods", () => {
  it("are parsed as they are printed", () => {
    const names = [
      ...["unedited", "fit-cubic", "fit-local", "text", "pair", "pair-3", "learned", "learned-words"],
      ...["learned-words-kv-2", "learned-kv", "learned-4", "hybrid"],
    ];
    expect(parseMethods(names.join(",")).map(methodName)).toEqual(names);
    expect(parseMethods("fit").map(methodName)).toEqual(["fit-cubic", "fit-local"]);
  });

  it("include the encoder by default only if the model has one", () => {
    const names = (has: boolean) => parseMethods(defaultMethods(has)).map(methodName);
    expect(names(false)).toEqual(["unedited", "fit-cubic", "fit-local", "text", "learned"]);
    expect(names(true)).toEqual([...names(false).slice(0, 4), "pair", "learned", "learned-words"]);
  });
});
