import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeImage } from "../../engine/images/decode-image.ts";
import { writeImage } from "../../engine/images/write-image.ts";
import { readInstruction, writeInstruction } from "../../engine/instruction/instruction-file.ts";
import { createPlainImage } from "../engine/images/drawn-images.ts";
import { drawnImage, mapPixels } from "../engine/images/stand-ins.ts";
import { modelWithPairEncoder } from "../engine/networks/model-with-pair-encoder.ts";
import { lastJson, runBin, tinyModel } from "./run-bin.ts";

/**
 * The command with the tiny random model of the fixtures. The content of its edits has no meaning; the tests
 * check that they are made.
 */
let cwd: string;
const model = ["--model", tinyModel];
const photo = drawnImage(64, 64);
const darker = mapPixels(photo, ([r, g, b]) => [r * 0.5, g * 0.5, b * 0.5]);
const learnWords = ["learn", "--pair", "before.png", "after.png", "--init", "a red apple", ...model];

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "visii-cli-"));
  await writeImage(join(cwd, "before.png"), photo);
  await writeImage(join(cwd, "after.png"), darker);
  await writeImage(join(cwd, "wide.jpg"), drawnImage(300, 100));
  await writeImage(join(cwd, "clear.webp"), createPlainImage(50, 40, [1, 0, -1]), {
    alpha: new Uint8Array(2000).fill(99),
  });
  const learned = await runBin([...learnWords, "--out", "made.visii", "--steps", "6", "--seed", "3"], {
    cwd,
  });
  expect(learned.code, learned.stderr).toBe(0);
});
afterAll(() => rm(cwd, { recursive: true }));

describe("visii learn with a model that has a pair encoder", () => {
  it("writes the pair encoder's output in 0 steps, which can be applied, inspected and previewed", async () => {
    const { folder, dispose } = await modelWithPairEncoder();
    const pair = ["--model", folder];
    const words = [
      "learn",
      "--pair",
      "before.png",
      "after.png",
      ...pair,
      "--init",
      "pair",
      "--steps",
      "0",
      "--preview",
      "first",
    ];
    const { code, stdout, stderr } = await runBin([...words, "--out", "read.visii", "--json"], { cwd });
    expect(code, stderr).toBe(0);
    expect(lastJson(stdout)).toMatchObject({ steps: 0, start: "pair", unetForwards: 0, unetBackwards: 0 });
    expect(lastJson(stdout)).not.toHaveProperty("loss");
    expect(await readdir(join(cwd, "first"))).toEqual(["step-0000.png"]);
    const inspected = await runBin(["inspect", "read.visii", ...pair], { cwd });
    expect(inspected.code, inspected.stderr).toBe(0);
    expect(inspected.stdout).toMatch(/^start +the pair encoder's output$/m);
    expect(inspected.stdout).not.toMatch(/^validation/m);
    const applied = await runBin(["apply", "read.visii", "before.png", ...pair, "--out", "read"], { cwd });
    expect(applied.code, applied.stderr).toBe(0);
    await dispose();
  });
});

describe("visii learn", () => {
  it("writes the instruction, previews and the loss curve, and lists them in one line of JSON", async () => {
    const words = [...learnWords, "--out", "sub/one.visii", "--steps", "9", "--preview", "seen", "--json"];
    const { code, stdout, stderr } = await runBin(words, { cwd });
    expect(code, stderr).toBe(0);
    expect(stdout.split("\n")).toHaveLength(2);
    expect(lastJson(stdout)).toMatchObject({
      out: "sub/one.visii",
      steps: 9,
      seconds: expect.any(Number),
      unetForwards: expect.any(Number),
      unetBackwards: expect.any(Number),
      loss: { first: expect.any(Number), last: expect.any(Number), validation: expect.any(Number) },
      init: "a red apple",
      space: "text",
      seed: 0,
      model: "tiny-mini",
    });
    expect(stderr).toMatch(/learning <ins> {2}step 9\/9 {2}loss \d/);
    expect(await readdir(join(cwd, "sub"))).toEqual(["one.visii"]);
    const seen = await readdir(join(cwd, "seen"));
    expect(seen).toEqual(
      expect.arrayContaining(["loss-curve.png", "loss-curve.svg", "step-0001.png", "step-0009.png"]),
    );
  });

  it("learns keys and values on request, which inspect shows and apply uses, also with words", async () => {
    const words = [...learnWords, "--out", "kv.visii", "--steps", "4", "--space", "kv", "--json"];
    const learned = await runBin(words, { cwd });
    expect(learned.code, learned.stderr).toBe(0);
    expect(lastJson(learned.stdout)).toMatchObject({ space: "kv", steps: 4 });
    const inspected = await runBin(["inspect", "kv.visii", ...model], { cwd });
    expect(inspected.stdout).toMatch(/^space +kv: keys and values/m);
    expect(inspected.stdout).toMatch(/^tokens +\d+ × 320, in 5 attention layers$/m);
    expect(inspected.stdout).toMatch(/Nearest words.*\n +1 +[a-z]+ -?\d\.\d\d, /);
    const apply = ["apply", "kv.visii", "before.png", "--out", "kv-done", "--text", "blue", ...model];
    const applied = await runBin(apply, { cwd });
    expect(applied.code, applied.stderr).toBe(0);
    expect(await readdir(join(cwd, "kv-done"))).toEqual(["before.png"]);
  });

  it("starts from the user's phrase that is nearest to the edit in CLIP", async () => {
    await writeFile(join(cwd, "phrases.txt"), "a red apple\n\nblue\n");
    const pair = ["learn", "--pair", "before.png", "after.png", ...model, "--steps", "2", "--json"];
    const words = [...pair, "--caption", "phrase", "--phrases", "phrases.txt", "--out", "found.visii"];
    const { code, stdout, stderr } = await runBin(words, { cwd });
    expect(code, stderr).toBe(0);
    expect(["a red apple", "blue"]).toContain((lastJson(stdout) as { init: string }).init);
    const alone = await runBin([...pair, "--phrases", "phrases.txt", "--out", "no.visii"], { cwd });
    expect([alone.code, alone.stderr]).toEqual([
      2,
      expect.stringContaining("--phrases requires --caption phrase"),
    ]);
  });

  it("keeps the instruction of every Nth step, which inspect lists and apply uses", async () => {
    const words = [...learnWords, "--out", "kept.visii", "--steps", "4", "--keep-every", "2"];
    const learned = await runBin(words, { cwd });
    expect(learned.code, learned.stderr).toBe(0);
    const inspected = await runBin(["inspect", "kept.visii", ...model, "--json"], { cwd });
    expect(lastJson(inspected.stdout)).toMatchObject({ kept: ["kept@2.visii", "kept@4.visii"] });
    const applied = await runBin(["apply", "kept@2.visii", "before.png", "--out", "of-step-2", ...model], {
      cwd,
    });
    expect(applied.code, applied.stderr).toBe(0);
    const missing = await runBin(["apply", "kept@3.visii", "before.png", "--out", "none", ...model], { cwd });
    expect([missing.code, missing.stderr]).toEqual([
      1,
      expect.stringContaining("Instruction file kept@3.visii does not exist"),
    ]);
  });

  it("warns of a pair of two scenes, on stderr and in JSON, and still learns", async () => {
    const demo = (file: string) => fileURLToPath(new URL(`../../demo/${file}`, import.meta.url));
    const pair = ["--pair", demo("chelsea.jpg"), demo("astronaut.jpg")];
    const words = ["learn", ...pair, "--init", "a red apple", ...model, "--out", "odd.visii", "--steps", "2"];
    const { code, stdout, stderr } = await runBin([...words, "--json"], { cwd });
    expect(code, stderr).toBe(0);
    const warning = expect.stringMatching(
      /chelsea\.jpg and .*astronaut\.jpg do not seem to show the same scene/,
    );
    expect(lastJson(stdout)).toMatchObject({ warnings: expect.arrayContaining([warning]) });
    expect(stderr).toContain("do not seem to show the same scene");
  });

  it("stops at Ctrl-C, prints how to resume, and resumes to the same tokens as an uninterrupted run", async () => {
    const words = (out: string) => [...learnWords, "--out", out, "--steps", "60"];
    const stopped = await runBin(words("cut.visii"), { cwd, interruptAt: /learning <ins> {2}step 0/ });
    expect(stopped.code, stopped.stderr).toBe(130);
    expect(stopped.stderr).toMatch(
      /Stopped after step \d+ of 60\. To continue:\n {2}visii learn .*--resume\n/,
    );
    expect(await readdir(cwd)).toContain("cut.visii.resume");
    const resumed = await runBin([...words("cut.visii"), "--resume"], { cwd });
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(await readdir(cwd)).not.toContain("cut.visii.resume");
    await runBin(words("whole.visii"), { cwd });
    const [cut, whole] = [
      await readInstruction(join(cwd, "cut.visii")),
      await readInstruction(join(cwd, "whole.visii")),
    ];
    expect(cut.tokens).toEqual(whole.tokens);
    expect(cut.info.losses).toEqual(whole.info.losses);
  });

  it("refuses to resume with other settings", async () => {
    const words = (steps: string) => [...learnWords, "--out", "other.visii", "--steps", steps];
    await runBin(words("60"), { cwd, interruptAt: /learning <ins> {2}step 0/ });
    const { code, stderr } = await runBin([...words("61"), "--resume"], { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(/cannot be continued: it belongs to a run with different images, settings/);
  });
});

describe("visii apply", () => {
  it("edits every photo, keeps its size, format and transparency, and lists the results in JSON", async () => {
    const words = ["apply", "made.visii", "wide.jpg", "clear.webp", "--out", "done", ...model, "--json"];
    const { code, stdout, stderr } = await runBin(words, { cwd });
    expect(code, stderr).toBe(0);
    expect(lastJson(stdout)).toEqual({
      results: [
        { input: "wide.jpg", output: "done/wide.jpg", seconds: expect.any(Number) },
        { input: "clear.webp", output: "done/clear.webp", seconds: expect.any(Number) },
      ],
      seed: 0,
    });
    expect(await decodeImage(join(cwd, "done/wide.jpg"))).toMatchObject({
      format: "jpeg",
      image: { width: 300, height: 100 },
    });
    const clear = await decodeImage(join(cwd, "done/clear.webp"));
    expect([clear.image.width, clear.image.height, clear.transparency!.alpha[7]]).toEqual([50, 40, 99]);
  });

  it("keeps author and date of the photo, the location only on request, and nothing of the pair", async () => {
    const phone = await readFile(new URL("../fixtures/photos/phone.jpg", import.meta.url));
    await writeFile(join(cwd, "phone.jpg"), phone);
    await writeFile(join(cwd, "clean.jpg"), await sharp(phone).jpeg().toBuffer());
    const run = async (...words: string[]) => {
      const { code, stderr } = await runBin([...words, ...model], { cwd });
      expect(code, stderr).toBe(0);
    };
    const read = async (path: string) => (await readFile(join(cwd, path))).toString("latin1");
    const personal = /Ana|Paris|GPS|iPhone/;
    const pair = ["--pair", "phone.jpg", "phone.jpg"];
    await run(
      "learn",
      ...pair,
      "--init",
      "an apple",
      "--steps",
      "1",
      "--out",
      "pair.visii",
      "--preview",
      "pair",
    );
    for (const path of ["pair.visii", ...(await readdir(join(cwd, "pair"))).map((name) => `pair/${name}`)])
      expect(await read(path)).not.toMatch(personal);

    const apply = (out: string, ...words: string[]) =>
      run("apply", "pair.visii", "phone.jpg", "clean.jpg", "--steps", "1", "--out", out, ...words);
    await apply("safe");
    expect(await read("safe/phone.jpg")).toMatch(/Ana/);
    expect(await read("safe/phone.jpg")).not.toMatch(/Paris|GPS/);
    expect(await read("safe/clean.jpg")).not.toMatch(personal);
    await apply("kept", "--metadata", "keep");
    expect(await read("kept/phone.jpg")).toMatch(/Ana[\s\S]*Paris/);
    await apply("stripped", "--metadata", "strip");
    expect(await read("stripped/phone.jpg")).not.toMatch(personal);
    // Neither a rotation nor anything else depends on it.
    const sizes = await Promise.all(
      ["safe", "stripped"].map(async (out) => sharp(await readFile(join(cwd, out, "phone.jpg"))).stats()),
    );
    expect(sizes[0]).toEqual(sizes[1]);
  });

  it("never overwrites its input", async () => {
    const { stdout } = await runBin(["apply", "made.visii", "before.png", "--out", ".", ...model, "--json"], {
      cwd,
    });
    expect(lastJson(stdout)).toMatchObject({ results: [{ output: "before-edited.png" }] });
    expect((await decodeImage(join(cwd, "before.png"))).image.data).not.toEqual(
      (await decodeImage(join(cwd, "before-edited.png"))).image.data,
    );
  });

  it("adds words, makes several different results, and repeats them with the same seed", async () => {
    const words = (out: string) => [
      "apply",
      "made.visii",
      "before.png",
      "--text",
      "sunset",
      "--count",
      "2",
      "--seed",
      "5",
      "--out",
      out,
      ...model,
    ];
    for (const out of ["m1", "m2"]) expect((await runBin(words(out), { cwd })).code).toBe(0);
    const read = (path: string) => readFile(join(cwd, path));
    expect(await read("m1/before.png")).toEqual(await read("m2/before.png"));
    expect(await read("m1/before-2.png")).toEqual(await read("m2/before-2.png"));
    expect(await read("m1/before.png")).not.toEqual(await read("m1/before-2.png"));
  });
});

describe("visii apply without guidance options", () => {
  it("uses the guidance that the instruction was learned with", async () => {
    const made = await readInstruction(join(cwd, "made.visii"));
    const hyperParameters = { ...made.info.hyperParameters, textGuidance: 2.5, imageGuidance: 1.25 };
    await writeInstruction(join(cwd, "own.visii"), { ...made, info: { ...made.info, hyperParameters } });
    const edited = async (out: string, ...guidance: string[]) => {
      const words = ["apply", "own.visii", "before.png", "--out", out, ...guidance, ...model];
      expect((await runBin(words, { cwd })).code).toBe(0);
      return readFile(join(cwd, out, "before.png"));
    };
    const own = await edited("own");
    expect(own).toEqual(await edited("given", "--text-guidance", "2.5", "--image-guidance", "1.25"));
    const { textGuidance, imageGuidance } = made.info.hyperParameters;
    const models = ["--text-guidance", `${textGuidance}`, "--image-guidance", `${imageGuidance}`];
    expect(own).not.toEqual(await edited("models", ...models));
  });
});

describe("visii edit", () => {
  it("edits with a text prompt alone", async () => {
    const { code, stdout } = await runBin(["edit", "sunset", "before.png", "--out", "text", ...model], {
      cwd,
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^text\/before\.png {2}\(\d/);
  });
});

describe("visii inspect", () => {
  it("prints the instruction's metadata and nearest words", async () => {
    const { code, stdout } = await runBin(["inspect", "made.visii", ...model], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/model +tiny-mini/);
    expect(stdout).toMatch(/seed +3\n/);
    expect(stdout).toMatch(/Nearest words .*\n +1 {2}\w+ \d\.\d\d,/);
  });

  it("omits the words for another model, and reports why", async () => {
    const { code, stdout, stderr } = await runBin(["inspect", "made.visii", "--model", "nowhere", "--json"], {
      cwd,
    });
    expect(code).toBe(0);
    expect(stderr).toMatch(/Nearest words are not shown: Model folder nowhere does not exist/);
    expect(lastJson(stdout)).toMatchObject({ seed: 3, nearestWords: null });
  });
});

describe("visii demo", () => {
  it("learns, applies the instruction alone and with words, and writes sheet, curve, report and results", async () => {
    const plan = {
      pair: { before: "before.png", after: "after.png" },
      tests: [{ image: "wide.jpg" }, { image: "before.png", truth: "after.png" }, { image: "after.png" }],
      words: ["sunset"],
      edit: "darker by a third",
      text: "make it darker",
      steps: 5,
    };
    await writeFile(join(cwd, "demo.json"), JSON.stringify(plan));
    const { code, stdout, stderr } = await runBin(["demo", "--from", ".", "--out", "shown", ...model], {
      cwd,
    });
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/shown\/sheet\.png/);
    const files = await readdir(join(cwd, "shown"));
    const results = ["wide", "before", "after"].flatMap((stem) => [
      `${stem}-1-learned.png`,
      `${stem}-2-hybrid.png`,
      `${stem}-3-text.png`,
      `${stem}-4-fit.png`,
    ]);
    expect(files.sort()).toEqual(
      ["learned.visii", "loss-curve.png", "loss-curve.svg", "report.json", "sheet.png", ...results].sort(),
    );
    const report: unknown = JSON.parse(await readFile(join(cwd, "shown/report.json"), "utf8"));
    expect(report).toMatchObject({
      seed: 0,
      edit: "darker by a third",
      text: "make it darker",
      unetEvaluations: { learning: { unetBackwards: expect.any(Number) } },
      meanPsnrToTruth: {
        unedited: expect.any(Number),
        learned: expect.any(Number),
        text: expect.any(Number),
        fit: expect.any(Number),
      },
      machine: { cores: expect.any(Number) },
    });
  });
});
