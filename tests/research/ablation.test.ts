import { readdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelFolder } from "../../cli/model-location.ts";
import type { CaseFiles } from "../../engine/evaluation/evaluation-case.ts";
import { readSet } from "../../engine/evaluation/read-set.ts";
import { readInstruction } from "../../engine/instruction/instruction-file.ts";
import { resolveSettings } from "../../engine/inversion/settings.ts";
import { readModelFolder } from "../../engine/pipeline/model-folder.ts";
import { openPipeline, type Pipeline } from "../../engine/pipeline/pipeline.ts";
import type { Ablation } from "../../research/ablation/ablation.ts";
import { listCells } from "../../research/ablation/ablation-cells.ts";
import { ablationFor, ablations, chooseAblations } from "../../research/ablation/ablations.ts";
import { chooseCases } from "../../research/ablation/choose-cases.ts";
import { type AblationPlan, runAblations } from "../../research/ablation/run-ablations.ts";
import { lastJson, runResearch, tinyModel } from "../cli/run-bin.ts";
import { makeSet, twoCases } from "../engine/evaluation/make-set.ts";
import { modelWithPairEncoder } from "../engine/networks/model-with-pair-encoder.ts";

let [set, pipeline, cases]: [string?, Pipeline?, CaseFiles[]?] = [];
beforeAll(async () => {
  set = await makeSet(twoCases());
  pipeline = await openPipeline(tinyModel, { device: "cpu" });
  cases = await readSet(set);
});
afterAll(async () => {
  await pipeline!.dispose();
  await rm(dirname(set!), { recursive: true });
});

const few = { steps: 2, overrides: { samples: 4, validationSamples: 2, validationEvery: 0 } } as const;
const small: Ablation = {
  name: "small",
  title: "Small",
  about: "Two step counts and two noises.",
  baseline: "two",
  variants: [
    { name: "two", label: "2 steps" },
    { name: "fresh", label: "2 steps, fresh noise", editing: { noise: "fresh" } },
    { name: "three", label: "3 steps", learning: { ...few, steps: 3 } },
  ],
};
const plan = (more: Partial<AblationPlan> = {}): AblationPlan => ({
  ablations: [small],
  cases: cases!,
  seeds: [0],
  learning: few,
  out: join(dirname(set!), "out"),
  ...more,
});

describe("the table of ablations", () => {
  it.each(ablations.map((ablation) => [ablation.name, ablation] as const))(
    "%s has variants with unique names, and one of them as the baseline",
    (_, { variants, baseline }) => {
      const names = variants.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      expect(names).toContain(baseline);
    },
  );

  it("uses the bundled model's defaults as the baseline, except if the frozen branches must have weight", async () => {
    const bundled = await readModelFolder(modelFolder("mini"));
    const recommended = (["pair", "words"] as const).map((start) =>
      JSON.stringify(resolveSettings(bundled, { seed: 0, start })),
    );
    const others = ablations.filter(({ variants, baseline }) => {
      const { learning, pairs = 1, init, editing } = variants.find(({ name }) => name === baseline)!;
      const resolved = JSON.stringify(resolveSettings(bundled, { ...learning, seed: 0 }));
      return init || editing || pairs !== 1 || !recommended.includes(resolved);
    });
    expect(others.map(({ name }) => name)).toEqual([
      "guidance",
      "edit-guidance",
      "sampling",
      "samplers",
      "interval",
      "branches",
    ]);
  });

  it("has variants that differ from the baseline", async () => {
    const { folder, dispose } = await modelWithPairEncoder();
    const model = await readModelFolder(folder);
    for (const ablation of ablations) {
      const { name, variants } = ablationFor(model, ablation, cases!);
      const decisive = variants.map(({ learning, editing, init, pairs = 1 }) =>
        JSON.stringify([resolveSettings(model, { ...learning, seed: 0 }), editing, init, pairs]),
      );
      expect(new Set(decisive).size, name).toBe(variants.length);
    }
    await dispose();
  });

  it("runs the paper's loop at the model's own guidance and learning rate", () => {
    const [loop] = chooseAblations("loop");
    const { learning } = ablationFor(pipeline!, loop!, cases!).variants.find(({ name }) => name === "paper")!;
    const { textGuidance, imageGuidance, learningRate } = pipeline!.defaults.inversion;
    expect(resolveSettings(pipeline!, { ...learning, seed: 0 })).toMatchObject({
      textGuidance,
      imageGuidance,
      learningRate,
      loop: "reference",
      steps: 1000,
      batchSize: 1,
    });
  });

  it("omits what the model or the cases lack: a pair encoder, phrases, a CLIP trained on edits, captions", () => {
    const [init] = chooseAblations("init");
    const names = ({ variants }: Ablation) => variants.map(({ name }) => name);
    expect(names(ablationFor(pipeline!, init!, cases!))).toEqual(["generic", "caption", "truth"]);
    const captions = { describe: "edit", phrases: "phrases.txt" } as const;
    const { defaults } = pipeline!;
    const rich = { defaults: { ...defaults, captions, start: "pair" } } as const;
    const captioned = [{ description: { caption_after: "a painting in blue" } }];
    expect(names(ablationFor(rich, init!, captioned))).toEqual(init!.variants.map(({ name }) => name));
  });

  it("selects ablations by name, and rejects an unknown name", () => {
    expect(chooseAblations("steps, clip").map(({ name }) => name)).toEqual(["clip", "steps"]);
    expect(() => chooseAblations("clop")).toThrow(
      /Unknown ablation "clop"; use clip, init, start, guidance, edit-guidance, sampling/,
    );
  });
});

describe("the choice of cases", () => {
  const named = Array.from({ length: 24 }, (_, i) => ({ name: `c${i}` }) as CaseFiles);
  const chosen = (choice: string) => chooseCases(named, choice).map(({ name }) => name);

  it("spreads a number evenly over the set", () => {
    expect(chosen("8")).toEqual(["c1", "c4", "c7", "c10", "c13", "c16", "c19", "c22"]);
    expect(chosen("99")).toHaveLength(24);
  });

  it("accepts names, and rejects an unknown one", () => {
    expect(chosen("c3,c1")).toEqual(["c1", "c3"]);
    expect(() => chosen("c1,dusk")).toThrow(/no case "dusk"/);
  });
});

describe("a run of ablations", () => {
  it("shares a learning run between variants with the same settings, and reuses results", async () => {
    const first = await runAblations(pipeline!, plan());
    expect(first).toMatchObject({ complete: true, reused: 0 });
    expect(first.finished).toHaveLength(3 * 2);
    // Two cases, two step counts. Fresh noise needs no learning run of its own.
    const kept = await readdir(join(plan().out, "instructions"));
    expect(kept.filter((file) => file.endsWith(".visii"))).toHaveLength(4);
    const again = await runAblations(pipeline!, plan());
    expect(again).toEqual({ ...first, reused: 6 });
  });

  it("counts the cost of a shared run once", () => {
    const cells = listCells(pipeline!, [small], cases!, [0]);
    const costs = (variant: string) =>
      cells.filter((cell) => cell.variant.name === variant).map(({ cost }) => cost);
    const { steps, batchSize } = resolveSettings(pipeline!, { seed: 0 });
    // Case "one" has two photos to edit, "two" one.
    expect(costs("two")).toEqual([2 * steps * batchSize + 4, 2 * steps * batchSize + 2]);
    expect(costs("fresh")).toEqual([4, 2]);
    expect(costs("three")).toEqual([2 * 3 * batchSize + 4, 2 * 3 * batchSize + 2]);
  });

  it("scales images down to the requested side, with separate results", async () => {
    const at = async (side?: number) =>
      runAblations(pipeline!, plan({ cases: cases!.slice(1), ...(side ? { side } : {}) }));
    const [full, half] = [await at(), await at(48)];
    expect(half.reused).toBe(0);
    expect(half.finished[0]!.work.tests[0]!.scores.psnr).not.toBe(
      full.finished[0]!.work.tests[0]!.scores.psnr,
    );
  });

  it("starts from a caption or from the case's text, if the ablation varies it", async () => {
    const init: Ablation = {
      ...small,
      variants: [
        { name: "caption", label: "caption", init: "caption" },
        { name: "text", label: "text", init: "text" },
      ],
    };
    const run = () => runAblations(pipeline!, plan({ ablations: [init], cases: cases!.slice(0, 1) }));
    const { finished } = await run();
    expect(finished.map(({ variant }) => variant)).toEqual(["caption", "text"]);
    const [caption] = await readdir(join(plan().out, "captions"));
    expect(await readFile(join(plan().out, "captions", caption!), "utf8")).toMatch(/\w+ \w+/);
    expect(await run()).toMatchObject({ reused: 2 });
    await expect(runAblations(pipeline!, plan({ ablations: [init] }))).rejects.toThrow(
      /requires texts for every case, but two\/case.json has no "texts"/,
    );
  });

  it("rejects a case with too few pairs before any work", async () => {
    const [pairs] = chooseAblations("pairs");
    await expect(runAblations(pipeline!, plan({ ablations: [pairs!] }))).rejects.toThrow(
      /pairs requires 2 pairs, but one has 1; exclude one of them/,
    );
  });

  it("keeps finished results when aborted", async () => {
    const controller = new AbortController();
    const out = join(dirname(set!), "stopped");
    const stopped = await runAblations(pipeline!, plan({ out }), {
      signal: controller.signal,
      onEvent: ({ place }) => place.index === 1 && controller.abort(new Error("enough")),
    });
    expect(stopped).toMatchObject({ complete: false, reused: 0 });
    expect(stopped.finished).toHaveLength(1);
    expect(await runAblations(pipeline!, plan({ out }))).toMatchObject({ complete: true, reused: 1 });
  });
});

describe("the ablate command", () => {
  /** Milliseconds: two runs of the whole command, each with a model to compile. */
  const twoRuns = 240_000;

  const ablate = (...words: string[]) =>
    runResearch(["ablate", "set", "--model", tinyModel, "--seeds", "1", "--learning-steps", "2", ...words], {
      cwd: dirname(set!),
    });

  it(
    "writes a page, tables, plots and results, and prints the same tables on a second run",
    async () => {
      const words = ["--only", "clip,noise", "--cases", "two", "--size", "48"];
      const first = await ablate(...words, "--json");
      expect(first.code, first.stderr).toBe(0);
      expect(lastJson(first.stdout)).toMatchObject({
        out: "set-ablations",
        complete: true,
        side: 48,
        cases: ["two"],
        ablations: [
          { name: "clip", complete: true, rows: [{ name: "with", differences: null }, { name: "without" }] },
          { name: "noise" },
        ],
      });
      const again = await ablate(...words, "--markdown");
      expect(again.stderr).toContain("6 of 6 results are reused from an earlier run.");
      expect(again.stdout).toMatch(
        /## With and without the CLIP loss[\s\S]*\| with L_clip \(default\) \| [−\d]/,
      );
      const folder = join(dirname(set!), "set-ablations");
      expect(await readdir(folder)).toEqual(
        expect.arrayContaining([
          "clip-psnr.svg",
          "index.html",
          "noise-psnr.svg",
          "results.json",
          "tables.md",
        ]),
      );
      expect(again.stdout).toContain(
        await readFile(join(folder, "tables.md"), "utf8").then((text) => text.trimEnd()),
      );
      expect(await readFile(join(folder, "clip-psnr.svg"), "utf8")).toMatch(/^<svg role="img"/);
      const [instruction] = await readdir(join(folder, "instructions"));
      const { info } = await readInstruction(join(folder, "instructions", instruction!));
      expect(info.hyperParameters).toMatchObject({ width: 48, height: 48, steps: 2 });
    },
    twoRuns,
  );

  it.each([
    [["--only", "clop"], /Unknown ablation "clop"/],
    [["--cases", "three"], /The set has no case "three"; it has one, two/],
    [["--only", "pairs"], /requires 2 pairs, but one has 1/],
    [["--out", "set/results"], /is inside the set/],
  ])("rejects %j in one sentence", async (words, message) => {
    const { code, stderr, stdout } = await ablate(...words);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/internal|\n\s+at /);
    expect(code).toBeGreaterThan(0);
    expect(stdout).toBe("");
  });
});
