import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EvaluationEvent } from "../../../engine/evaluation/do-work.ts";
import { type EvaluationPlan, evaluate } from "../../../engine/evaluation/evaluate.ts";
import type { Finished } from "../../../engine/evaluation/finished-work.ts";
import { highestPsnr } from "../../../engine/evaluation/measure.ts";
import { parseMethods } from "../../../engine/evaluation/method.ts";
import { readSet } from "../../../engine/evaluation/read-set.ts";
import { makeReport, type ReportSubject } from "../../../engine/evaluation/report.ts";
import { reportText } from "../../../engine/evaluation/report-text.ts";
import { describeSettings } from "../../../engine/evaluation/result-keys.ts";
import { requireOwnFolder, writeReport } from "../../../engine/evaluation/write-report.ts";
import { decodeImage } from "../../../engine/images/decode-image.ts";
import { readInstruction } from "../../../engine/instruction/instruction-file.ts";
import { embedCaption, nameClip } from "../../../engine/pipeline/clip-space.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import { openSafetensors, readTensor } from "../../../engine/weights/safetensors-file.ts";
import { waves } from "../images/drawn-images.ts";
import { openFixture, relativeDeviation } from "../networks/expected-values.ts";
import { makeSet, twoCases } from "./make-set.ts";

/**
 * The tiny random model. The content of its edits has no meaning; the tests check that they are made,
 * measured and stored.
 */
let pipeline: Pipeline;
let plan: EvaluationPlan;
beforeAll(async () => {
  pipeline = await openPipeline((await openFixture("tiny-mini")).folder, { device: "cpu" });
  const set = await makeSet(twoCases());
  plan = {
    cases: await readSet(set),
    methods: parseMethods("unedited,fit,text,learned,learned-2,hybrid"),
    seeds: [0, 1],
    settings: {
      learning: {
        init: "a red apple",
        steps: 3,
        overrides: { samples: 4, validationSamples: 2, validationEvery: 0 },
      },
      editing: { steps: 2 },
    },
    out: join(set, "..", "out"),
  };
});
afterAll(async () => {
  await pipeline.dispose();
  await rm(join(plan.out, ".."), { recursive: true });
});

const names = (finished: readonly Finished[]) =>
  finished.map((work) => `${work.case} ${work.method} ${work.seed}`);

/** Removes measured times, which differ between runs. */
const untimed = (finished: readonly Finished[]) =>
  finished.map(({ cost: { once, photo }, ...work }) => ({
    ...work,
    evaluations: [once.evaluations, photo.evaluations],
  }));

describe("an evaluation", () => {
  it("runs every method on every case that has its inputs, with every seed", async () => {
    const events: EvaluationEvent[] = [];
    const { finished, complete, reused } = await evaluate(pipeline, plan, {
      onEvent: (event) => void events.push(event),
    });
    expect({ complete, reused }).toEqual({ complete: true, reused: 0 });
    expect(names(finished)).toEqual([
      "one unedited 0",
      "one fit-cubic 0",
      "one fit-local 0",
      "one text 0",
      "one text 1",
      "one learned 0",
      "one learned 1",
      "one hybrid 0",
      "one hybrid 1",
      "two unedited 0",
      "two fit-cubic 0",
      "two fit-local 0",
      "two learned 0",
      "two learned 1",
      "two learned-2 0",
      "two learned-2 1",
    ]);
    expect(new Set(events.map(({ doing }) => doing))).toEqual(
      new Set(["choosing the text", "reading the pairs", "preparing samples", "learning", "editing"]),
    );
    expect(events.at(-1)).toMatchObject({ work: "two, learned-2, seed 1", step: 2, steps: 2 });
    // Two photos in case "one", two steps each: one count over both.
    const editing = events.filter(
      ({ work, doing }) => work === "one, learned, seed 0" && doing === "editing",
    );
    expect(editing.map(({ step, steps }) => [step, steps])).toEqual([1, 2, 3, 4].map((step) => [step, 4]));
    // The hybrid used the instruction of "learned".
    expect(events.some(({ work, doing }) => work.startsWith("one, hybrid") && doing === "learning")).toBe(
      false,
    );
    const kept = await readdir(join(plan.out, "instructions"));
    expect(kept.filter((name) => name.endsWith(".visii"))).toHaveLength(2 + 2 + 2);
  });

  it("computes the metrics that have their inputs, and null otherwise", async () => {
    const { finished } = await evaluate(pipeline, plan);
    const scores = (title: string, test: string) =>
      finished[names(finished).indexOf(title)]!.tests.find(({ name }) => name === test)!.scores;
    expect(scores("one unedited 0", "lake & hill")).toEqual({
      psnr: expect.any(Number),
      ssim: expect.any(Number),
      style: expect.any(Number),
      sharpness: expect.closeTo(1, 5),
      imageClip: expect.closeTo(1, 5),
      directionalClip: null,
      visualClip: null,
    });
    // A negative's mean squared error is (2·x)², so its PSNR is 10·log₁₀(4/(4·mean x²)).
    const photo = waves(64, 64, 1);
    const power = photo.data.reduce((sum, x) => sum + x * x, 0) / photo.data.length;
    expect(scores("one unedited 0", "lake & hill").psnr).toBeCloseTo(-10 * Math.log10(power), 1);
    // Captions of both ends for "10" alone; a truth for "lake & hill" alone.
    expect(scores("one text 0", "10")).toMatchObject({ psnr: null, ssim: null });
    expect(Math.abs(scores("one text 0", "10").directionalClip!)).toBeLessThanOrEqual(1);
    expect(scores("one text 0", "lake & hill").directionalClip).toBeNull();
    expect(Math.abs(scores("one learned 1", "10").visualClip!)).toBeLessThanOrEqual(1);
    expect(scores("one hybrid 0", "lake & hill")).toMatchObject({
      psnr: null,
      visualClip: expect.any(Number),
    });
  });

  it("fits a negative within 8-bit rounding", async () => {
    const { finished } = await evaluate(pipeline, plan);
    for (const method of ["fit-cubic", "fit-local"]) {
      const work = finished[names(finished).indexOf(`one ${method} 0`)]!;
      expect(work.tests.find(({ name }) => name === "lake & hill")!.scores.psnr).toBeGreaterThan(50);
      expect(work.cost).toMatchObject({ once: { evaluations: 0 }, photo: { evaluations: 0 } });
    }
  });

  it("counts the cost of learning once, and of an edit for each photo", async () => {
    const { finished } = await evaluate(pipeline, plan);
    const { cost } = finished[names(finished).indexOf("one learned 0")]!;
    const [learned] = finished.filter(({ method }) => method === "learned");
    const file = (await readdir(join(plan.out, "instructions"))).filter((name) => name.endsWith(".visii"));
    const counts = await Promise.all(
      file.map(async (name) => (await readInstruction(join(plan.out, "instructions", name))).info.counts),
    );
    expect(counts.map(({ unetForwards, unetBackwards }) => unetForwards + unetBackwards)).toContain(
      learned!.cost.once.evaluations,
    );
    expect(cost.once.seconds).toBeGreaterThan(0);
    // Two steps of three branches.
    expect(cost.photo.evaluations).toBe(2 * 3);
  });

  it("selects one of a case's texts, and reports which", async () => {
    const { finished } = await evaluate(pipeline, plan);
    const texts = finished.filter(({ method }) => method === "text").map(({ text }) => text);
    for (const text of texts) expect(["make it red", "make it a negative"]).toContain(text);
  });

  it("reuses results, except after a changed setting or a lost image", async () => {
    const first = await evaluate(pipeline, plan);
    const again = await evaluate(pipeline, plan);
    expect(again).toEqual({ ...first, reused: 16 });
    const guided = { ...plan.settings, editing: { steps: 2, textGuidance: 2 } };
    // Results without a model: both cases unedited and by both fits.
    expect((await evaluate(pipeline, { ...plan, settings: guided })).reused).toBe(6);
    await rm(join(plan.out, first.finished[3]!.tests[0]!.picture));
    const mended = await evaluate(pipeline, plan);
    expect(mended.reused).toBe(15);
    expect(untimed(mended.finished)).toEqual(untimed(first.finished));
  });

  it("compares the spaces, each with its own instruction", async () => {
    const methods = parseMethods("learned,learned-kv");
    const spaces = { ...plan, methods, seeds: [1], out: join(plan.out, "..", "spaces") };
    const { finished } = await evaluate(pipeline, spaces);
    expect(names(finished).slice(0, 2)).toEqual(["one learned 1", "one learned-kv 1"]);
    const [inText, inKv] = finished.map(({ tests }) => tests[0]!.scores.imageClip);
    expect(inKv).not.toBe(inText);
    const folder = join(spaces.out, "instructions");
    const files = (await readdir(folder)).filter((name) => name.endsWith(".visii"));
    const kept = await Promise.all(files.map((name) => readInstruction(join(folder, name))));
    expect(kept.map(({ info }) => info.space).sort()).toEqual(["kv", "kv", "text", "text"]);
    const weighted = { ...plan.settings.learning.overrides, clipWeight: 0.1 };
    const settings = { ...plan.settings, learning: { ...plan.settings.learning, overrides: weighted } };
    await expect(evaluate(pipeline, { ...spaces, settings })).rejects.toThrow(/L_clip is 0.1/);
  });

  it("has the same results in another folder", async () => {
    const only = { ...plan, methods: parseMethods("learned"), seeds: [1] };
    const first = await evaluate(pipeline, only);
    const elsewhere = await evaluate(pipeline, { ...only, out: join(plan.out, "..", "elsewhere") });
    expect(elsewhere).toMatchObject({ complete: true, reused: 0 });
    expect(untimed(elsewhere.finished)).toEqual(untimed(first.finished));
  });

  it("returns finished results when aborted, and resumes within a learning run", async () => {
    const fresh = {
      ...plan,
      out: join(plan.out, "..", "stopped"),
      methods: parseMethods("unedited,learned"),
    };
    const abort = new AbortController();
    const stopped = await evaluate(pipeline, fresh, {
      signal: abort.signal,
      onEvent: ({ doing, step }) => {
        if (doing === "learning" && step === 2) abort.abort(new Error("enough"));
      },
    });
    expect(stopped.complete).toBe(false);
    expect(names(stopped.finished)).toEqual(["one unedited 0"]);
    expect((await readdir(join(fresh.out, "instructions"))).join()).toMatch(/\.visii\.resume\b/);
    const steps: number[] = [];
    const { finished } = await evaluate(pipeline, fresh, {
      onEvent: ({ work, doing, step }) => {
        if (work === "one, learned, seed 0" && doing === "learning") steps.push(step);
      },
    });
    expect(steps[0]).toBe(2);
    const whole = (await evaluate(pipeline, plan)).finished;
    const kept = new Set(names(finished));
    expect(untimed(finished)).toEqual(untimed(whole.filter((work) => kept.has(names([work])[0]!))));
  });

  it("rejects words that the model cannot encode before any work", async () => {
    const contents = twoCases();
    const descriptions = { one: { caption_before: "a photo", caption_after: "word ".repeat(200) } };
    const cases = await readSet(await makeSet({ ...contents, descriptions }));
    const out = join(plan.out, "..", "none");
    await expect(evaluate(pipeline, { ...plan, cases, out })).rejects.toThrow(/one\/case\.json: "word word/);
    await expect(readdir(out)).rejects.toThrow("ENOENT");
  });

  it("runs without a CLIP, and reports it", async () => {
    const folder = join(plan.out, "..", "tiny-no-clip");
    await cp(pipeline.model.folder, folder, { recursive: true, filter: (path) => !path.endsWith("/clip") });
    const blind = await openPipeline(folder, { device: "cpu" });
    const only = { ...plan, methods: parseMethods("unedited"), out: join(plan.out, "..", "blind") };
    const { finished, complete } = await evaluate(blind, only);
    await blind.dispose();
    expect(finished[0]!.tests.find(({ name }) => name === "lake & hill")!.scores).toEqual({
      psnr: expect.any(Number),
      ssim: expect.any(Number),
      style: expect.any(Number),
      sharpness: expect.closeTo(1, 5),
      imageClip: null,
      directionalClip: null,
      visualClip: null,
    });
    const subject = { ...only, set: "set", model: { id: "m", weightHash: "h" }, clip: null };
    const report = makeReport(subject, { finished, complete });
    expect(reportText(report, "plain")).toContain("has no clip/, so there are no CLIP scores");
    expect(report.differences).toBeNull();
  });

  it("caps the PSNR of an exact match at 8-bit precision", () => {
    expect(highestPsnr).toBeCloseTo(58.92, 2);
  });
});

describe("the report of an evaluation", () => {
  const subject = async (): Promise<ReportSubject> => ({
    set: "<set> & more",
    model: { id: pipeline.modelId, weightHash: pipeline.weightHash },
    clip: (await nameClip(pipeline)) ?? null,
    settings: describeSettings(pipeline, plan.settings),
    seeds: plan.seeds,
    cases: plan.cases,
    methods: plan.methods,
  });

  it("is one self-contained page with every image and a text for each", async () => {
    const report = makeReport(await subject(), await evaluate(pipeline, plan));
    const { page, results } = await writeReport(plan.out, report, plan.cases);
    const html = await readFile(page, "utf8");
    expect(html).toContain("<h1>Evaluation of &lt;set&gt; &amp; more</h1>");
    expect(html).not.toMatch(/https?:|<script|@import/);
    const sources = [...html.matchAll(/<img src="([^"]+)" alt="([^"]+)"/g)];
    // Case "one": a pair, two photos, a truth, 2 × 8 results; case "two": two pairs, a photo, a truth, 6
    // results.
    expect(sources).toHaveLength(2 + 2 + 1 + 16 + (4 + 1 + 1 + 6));
    expect(new Set(sources.map(([, , alt]) => alt)).size).toBe(sources.length);
    for (const [, source] of sources) await readFile(join(plan.out, decodeURIComponent(source!)));
    expect(JSON.parse(await readFile(results, "utf8"))).toEqual(report);
    // A column for the photo, the truth and each of six methods.
    const { image: sheet } = await decodeImage(join(plan.out, "sheet.jpg"));
    expect(sheet.width).toBe(8 * (128 + 20) - 20 + 2 * 64);
    await expect(requireOwnFolder(plan.out)).resolves.toBeUndefined();
  });

  it("names the CLIP, the selected texts, and skipped cases", async () => {
    const text = reportText(makeReport(await subject(), await evaluate(pipeline, plan)), "plain");
    expect(text).toMatch(
      /^The fit wins: .*\n\nmethod +cases +PSNR dB +SSIM +Style distance +Sharpness +Image CLIP /,
    );
    expect(text).toMatch(/CLIP scores use clip\/ of tiny-mini: ViT-\d+×\d+\/\d+, 32 px/);
    expect(text).toContain("chosen on its first pair");
    expect(text).toContain('text was left out for two (no "texts" in case.json).');
    expect(text).toContain("learned-2 was left out for one (1 of 2 pairs).");
    expect(text).toContain("With only 2 cases");
    expect(text).toContain("Difference to text, case by case:");
  });

  it("rejects a folder with other files of its names", async () => {
    const folder = join(plan.out, "..", "site");
    await mkdir(folder);
    await writeFile(join(folder, "index.html"), "my page");
    await expect(requireOwnFolder(folder)).rejects.toMatchObject({ code: "out_in_use" });
    await writeFile(join(folder, "results.json"), '{"mine": true}');
    await expect(requireOwnFolder(folder)).rejects.toThrow(/results\.json exists/);
  });
});

it("embeds a caption as CLIPModel does: the end marker's last hidden state through the text projection", async () => {
  const fixture = await openFixture("tiny-mini");
  const embedding = await embedCaption(pipeline, "sepia tone, slightly brighter");
  const hidden = await fixture.floats("outputs.text.last_hidden_state");
  const [eos] = (await fixture.integers("inputs.text.eos_index")) as [number];
  const width = pipeline.textWidth;
  const row = hidden.slice(eos * width, (eos + 1) * width);
  const weights = await readTensor(
    await openSafetensors(join(fixture.folder, "clip", "model.safetensors")),
    "text_projection.weight",
  );
  const expected = Float32Array.from({ length: embedding!.length }, (_, i) =>
    row.reduce((sum, x, j) => sum + x * weights[i * width + j]!, 0),
  );
  expect(relativeDeviation(embedding!, expected)).toBeLessThan(1e-5);
});
