import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeImage } from "../../engine/images/write-image.ts";
import { drawnImage } from "../engine/images/stand-ins.ts";
import { runBin } from "./run-bin.ts";

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "visii-cli-"));
  await writeImage(join(cwd, "a.png"), drawnImage(48, 32));
  await writeImage(join(cwd, "b.png"), drawnImage(32, 48));
  await writeFile(join(cwd, "text.png"), "no picture at all, just words");
  await writeFile(join(cwd, "empty.jpg"), "");
  await writeFile(join(cwd, "corrupt.visii"), "\xff\xff\xff\xff\xff\xff\xff\x7f{}");
  await writeFile(join(cwd, "file"), "a file");
});
afterAll(() => rm(cwd, { recursive: true }));

const pair = ["--pair", "a.png", "a.png"];
const learn = (...words: string[]) => ["learn", ...words];

describe("visii reports bad input in one sentence, without a stack trace, and leaves no files:", () => {
  it.each<[string, string[], number, RegExp]>([
    ["no pair", learn("--out", "x.visii"), 2, /No pair to learn from; give at least one --pair BEFORE AFTER/],
    ["half a pair", learn("--pair", "a.png", "--out", "x.visii"), 2, /--pair needs two files/],
    ["a pair of three", learn(...pair, "b.png", "--out", "x.visii"), 2, /a third, b\.png; repeat --pair/],
    ["no --out", learn(...pair), 2, /--out <FILE\.visii>/],
    [
      "no steps from words",
      learn(...pair, "--out", "x.visii", "--init", "a red apple", "--steps", "0"),
      2,
      /The steps is 0; it must be a whole number above 0 if learning starts from words/,
    ],
    ["negative steps", learn(...pair, "--out", "x.visii", "--steps", "-3"), 2, /--steps/],
    ["half a step", learn(...pair, "--out", "x.visii", "--steps", "1.5"), 2, /--steps is "1\.5"/],
    [
      "a learning rate of none",
      learn(...pair, "--out", "x.visii", "--learning-rate", "0"),
      2,
      /learning rate is 0; it must be above 0/,
    ],
    ["no samples in a step", learn(...pair, "--out", "x.visii", "--batch", "0"), 2, /--batch is "0"/],
    [
      "a weight below none",
      learn(...pair, "--out", "x.visii", "--clip-weight", "-1"),
      2,
      /weight of L_clip is -1; it must be at least 0/,
    ],
    [
      "an unknown loop",
      learn(...pair, "--out", "x.visii", "--loop", "quick"),
      2,
      /--loop is "quick"; it must be one of fast, reference/,
    ],
    [
      "a batch size for a service",
      learn(...pair, "--out", "x.visii", "--batch", "4", "--server", "http://127.0.0.1:9", "--key", "k"),
      2,
      /--batch cannot be used with --server/,
    ],
    ["a seed in words", learn(...pair, "--out", "x.visii", "--seed", "lucky"), 2, /--seed is "lucky"/],
    [
      "an unknown device",
      learn(...pair, "--out", "x.visii", "--device", "tpu"),
      2,
      /one of cpu, webgpu, cuda/,
    ],
    [
      "8 bits on a GPU",
      learn(...pair, "--out", "x.visii", "--device", "cuda", "--precision", "int8"),
      2,
      /Precision int8 requires the CPU, but the device is cuda; use fp32 or fp16, or --device cpu/,
    ],
    [
      "too little memory",
      learn(...pair, "--out", "x.visii", "--memory", "1MB"),
      1,
      /Learning at \d+×\d+ with mini needs \d+ MB of memory at once, but the limit is 1 MB\. No image size fits/,
    ],
    ["an unknown option", learn(...pair, "--out", "x.visii", "--fast"), 2, /unknown option '--fast'/],
    ["an unknown command", ["paint"], 2, /unknown command 'paint'/],
    [
      "a missing picture",
      learn("--pair", "a.png", "none.png", "--out", "x.visii"),
      1,
      /File none\.png does not exist/,
    ],
    ["a folder for a picture", learn("--pair", ".", "a.png", "--out", "x.visii"), 1, /\. is a folder/],
    ["an empty picture", learn("--pair", "a.png", "empty.jpg", "--out", "x.visii"), 1, /empty\.jpg is empty/],
    [
      "words for a picture",
      learn("--pair", "a.png", "text.png", "--out", "x.visii"),
      1,
      /text\.png is not a supported image/,
    ],
    [
      "a pair of two shapes",
      learn("--pair", "a.png", "b.png", "--out", "x.visii"),
      1,
      /differ by more than 5%/,
    ],
    [
      "an unknown model",
      learn(...pair, "--out", "x.visii", "--model", "nowhere"),
      1,
      /Model folder nowhere does not exist/,
    ],
    [
      "an output below a file",
      learn(...pair, "--out", "file/x.visii"),
      1,
      /Cannot write file: .* not a folder/,
    ],
    [
      "an output in a folder that takes none",
      learn(...pair, "--out", "/proc/no/x.visii"),
      1,
      /Cannot write \/proc\/no/,
    ],
    [
      "a preview folder that is a file",
      learn(...pair, "--out", "x.visii", "--preview", "file"),
      1,
      /Cannot write file/,
    ],
    [
      "nothing to resume",
      learn(...pair, "--out", "x.visii", "--resume"),
      1,
      /Nothing to resume: x\.visii\.resume does not exist/,
    ],
    [
      "a missing instruction",
      ["apply", "none.visii", "a.png", "--out", "o"],
      1,
      /Instruction file none\.visii does not exist/,
    ],
    [
      "a corrupt instruction",
      ["apply", "corrupt.visii", "a.png", "--out", "o"],
      1,
      /corrupt\.visii is not an instruction/,
    ],
    [
      "no picture to apply to",
      ["apply", "corrupt.visii", "--out", "o"],
      2,
      /missing required argument 'IMAGE'/,
    ],
    [
      "guidance that is no number",
      ["edit", "night", "a.png", "--out", "o", "--text-guidance", "NaN"],
      2,
      /--text-guidance is "NaN"/,
    ],
    [
      "infinite guidance",
      ["edit", "night", "a.png", "--out", "o", "--image-guidance", "Infinity"],
      2,
      /--image-guidance/,
    ],
    ["an empty text", ["edit", " ", "a.png", "--out", "o"], 2, /The text is " "; it must not be empty/],
    [
      "an unknown scheduler",
      ["edit", "night", "a.png", "--out", "o", "--scheduler", "magic"],
      2,
      /euler-ancestral, euler, heun, ddim, dpmpp-2m-karras, unipc, lcm/,
    ],
    [
      "a kind of metadata that does not exist",
      ["edit", "night", "a.png", "--out", "o", "--metadata", "all"],
      2,
      /--metadata is "all"; it must be one of safe, keep, strip/,
    ],
    [
      "a strength that is none",
      ["edit", "night", "a.png", "--out", "o", "--strength", "0"],
      2,
      /--strength is "0"; it must be a number above 0 and at most 1/,
    ],
    [
      "a guidance interval in the wrong order",
      ["edit", "night", "a.png", "--out", "o", "--guidance-interval", "0.8,0.2"],
      2,
      /--guidance-interval is "0\.8,0\.2"; it must be two numbers from 0 to 1, the first at most the second/,
    ],
    [
      "a guidance interval without a step",
      ["edit", "night", "a.png", "--out", "o", "--guidance-interval", "0.3,0.4", "--steps", "4"],
      2,
      /Guidance interval 0\.3,0\.4 contains none of the sampling steps that run; widen it or raise the steps \(4\)/,
    ],
    [
      "a mask that is no picture",
      ["edit", "night", "a.png", "--out", "o", "--mask", "text.png"],
      1,
      /text\.png is not a supported image/,
    ],
    [
      "many results of one noise",
      ["edit", "night", "a.png", "--out", "o", "--count", "2", "--noise", "fixed"],
      2,
      /use --noise fresh/,
    ],
    [
      "a bad picture among good ones",
      ["edit", "night", "a.png", "text.png", "--out", "o"],
      1,
      /text\.png is not a supported image/,
    ],
    [
      "fewer steps than a multistep sampler needs, found out after the output folder was made",
      ["edit", "night", "a.png", "--out", "new/deep", "--scheduler", "unipc", "--steps", "1"],
      2,
      /unipc is a multistep sampler and needs at least 2 steps, not 1/,
    ],
    [
      "a strength that leaves no step",
      ["edit", "night", "a.png", "--out", "o", "--strength", "0.1", "--steps", "4"],
      2,
      /Strength 0\.1 leaves none of the 4 sampling steps; raise the strength or the steps/,
    ],
    [
      "a mask of another shape",
      ["edit", "night", "a.png", "--out", "o", "--mask", "b.png"],
      1,
      /The mask b\.png is 32×48 and a\.png is 48×32; use a mask with the photo's aspect ratio/,
    ],
    ["an output folder that is a file", ["edit", "night", "a.png", "--out", "file"], 1, /Cannot write file/],
    [
      "a corrupt instruction to inspect",
      ["inspect", "corrupt.visii"],
      1,
      /corrupt\.visii is not an instruction/,
    ],
    ["a demo that is not there", ["demo", "--from", "nowhere"], 1, /nowhere\/demo\.json does not exist/],
  ])("%s", async (_, args, code, sentence) => {
    const before = await readdir(cwd);
    const result = await runBin(args, { cwd });
    const told = result.stderr.split("\n").filter((line) => line.startsWith("visii: "));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(sentence);
    expect(result.stderr).not.toMatch(/^\s+at /m);
    expect(result.stdout).toBe("");
    expect(result.code).toBe(code);
    expect(await readdir(cwd)).toEqual(before);
  });

  it("prints the stack trace with --verbose", async () => {
    const { stderr } = await runBin(["edit", "night", "none.png", "--out", "o", "--verbose"], { cwd });
    expect(stderr).toMatch(/visii: File none\.png does not exist/);
    expect(stderr).toMatch(/^\s+at .*read-image-file\.ts/m);
  });
});

describe("visii", () => {
  it("prints its help and its version", async () => {
    const help = await runBin(["--help"], { cwd });
    expect(help).toMatchObject({ code: 0, stderr: "" });
    for (const command of ["learn", "apply", "edit", "inspect", "demo"])
      expect(help.stdout).toContain(command);
    expect(await runBin(["--version"], { cwd })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  it("prints the help and fails when called without a command", async () => {
    expect(await runBin([], { cwd })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Usage: visii"),
    });
  });
});
