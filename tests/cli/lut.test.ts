import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { psnr } from "../../engine/image-quality/psnr.ts";
import { decodeImage } from "../../engine/images/decode-image.ts";
import { createRgbImage, type RgbImage } from "../../engine/images/rgb-image.ts";
import { writeImage } from "../../engine/images/write-image.ts";
import { drawnImage } from "../engine/images/stand-ins.ts";
import { lastJson, runBin, tinyModel } from "./run-bin.ts";

let cwd: string;
const warm = (image: RgbImage) => {
  const area = image.width * image.height;
  const gain = [0.3, 0, -0.3];
  const data = image.data.map((value, i) => value + gain[Math.floor(i / area)]! * (1 - value * value));
  return createRgbImage(image.width, image.height, data);
};
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "visii-lut-"));
  const [a, b] = [drawnImage(96, 64), drawnImage(40, 80)];
  await writeImage(join(cwd, "day.png"), a);
  await writeImage(join(cwd, "warm.png"), warm(a));
  await writeImage(join(cwd, "street.png"), b);
  await writeFile(join(cwd, "cut.cube"), "LUT_3D_SIZE 2\n0 0 0\n");
});
afterAll(() => rm(cwd, { recursive: true }));

const pair = ["--pair", "day.png", "warm.png"];

describe("visii lut", () => {
  it("fits a table to a pair and applies it to another photo", async () => {
    const made = await runBin(["lut", ...pair, "--out", "warm.cube", "--json"], { cwd });
    expect(made.code, made.stderr).toBe(0);
    expect(made.stderr).toBe("");
    expect(lastJson(made.stdout)).toEqual({ out: "warm.cube", size: 33, decibels: expect.any(Number) });
    const applied = await runBin(["lut", "--apply", "warm.cube", "street.png", "--out", "results"], { cwd });
    expect(applied.code, applied.stderr).toBe(0);
    expect(applied.stdout).toBe("results/street.png\n");
    const { image } = await decodeImage(join(cwd, "results", "street.png"));
    const { image: street } = await decodeImage(join(cwd, "street.png"));
    expect(psnr(image, warm(street))).toBeGreaterThan(40);
    expect(psnr(image, street)).toBeLessThan(25);
  });

  it("keeps the photo's author, and its location on request", async () => {
    await writeFile(
      join(cwd, "phone.tif"),
      await readFile(new URL("../fixtures/photos/phone.tif", import.meta.url)),
    );
    await runBin(["lut", ...pair, "--out", "warm.cube"], { cwd });
    for (const [mode, place] of [
      ["safe", false],
      ["keep", true],
    ] as const) {
      const words = ["lut", "--apply", "warm.cube", "phone.tif", "--out", mode, "--metadata", mode];
      expect(await runBin(words, { cwd })).toMatchObject({ code: 0 });
      const png = await readFile(join(cwd, mode, "phone.png"), "latin1");
      expect([/Ana/.test(png), /Paris/.test(png)]).toEqual([true, place]);
    }
  });

  it("reads an iPhone's HEIC photo and writes it upright, without its location", async () => {
    const photo = new URL("../fixtures/heic/iphone.heic", import.meta.url);
    await writeFile(join(cwd, "IMG_0042.HEIC"), await readFile(photo));
    const corners = ["0 0 0", "1 0 0", "0 1 0", "1 1 0", "0 0 1", "1 0 1", "0 1 1", "1 1 1"];
    await writeFile(join(cwd, "same.cube"), `LUT_3D_SIZE 2\n${corners.join("\n")}\n`);
    const words = ["lut", "--apply", "same.cube", "IMG_0042.HEIC", "--out", "phone"];
    expect(await runBin(words, { cwd })).toMatchObject({ code: 0, stdout: "phone/IMG_0042.jpg\n" });
    const jpeg = join(cwd, "phone", "IMG_0042.jpg");
    const { image } = await decodeImage(jpeg);
    expect([image.width, image.height]).toEqual([840, 1120]);
    expect(psnr(image, (await decodeImage(photo.pathname)).image)).toBeGreaterThan(35);
    const text = await readFile(jpeg, "latin1");
    expect([/2026:05:06 07:08:09/.test(text), /iPhone 15/.test(text)]).toEqual([true, true]);
    expect(text).not.toMatch(/GPS|HDRGainMap/);
  });

  it("writes a table of the requested size", async () => {
    await runBin(["lut", ...pair, "--out", "small.cube", "--size", "5"], { cwd });
    const lines = (await readFile(join(cwd, "small.cube"), "utf8")).trimEnd().split("\n");
    expect(lines[1]).toBe("LUT_3D_SIZE 5");
    expect(lines).toHaveLength(4 + 125);
  });

  it("warns if the pair changes more than colors", async () => {
    const { code, stderr } = await runBin(["lut", "--pair", "day.png", "noise.png", "--out", "x.cube"], {
      cwd: await withNoise(),
    });
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /The table reaches only \d+\.\d dB on this pair: the edit changes more than colors/,
    );
  });

  it.each([
    [["lut", "--out", "x.cube"], 2, /No pair to learn from/],
    [["lut", ...pair], 2, /--out <FILE\.cube\|DIR>/],
    [["lut", ...pair, "--out", "x.visii"], 2, /--out is "x\.visii"; it must end in \.cube/],
    [
      ["lut", ...pair, "--out", "x.cube", "--size", "1000"],
      2,
      /--size is "1000"; it must be a whole number from 2 to 129/,
    ],
    [
      ["lut", ...pair, "--out", "x.cube", "street.png"],
      2,
      /does not edit images, but got street\.png; use --apply/,
    ],
    [["lut", ...pair, "--apply", "cut.cube", "street.png", "--out", "x"], 2, /give exactly one/],
    [["lut", "--apply", "cut.cube", "--out", "x"], 2, /There is no image to apply cut\.cube to/],
    [
      ["lut", "--apply", "cut.cube", "street.png", "--out", "x"],
      1,
      /cut\.cube, line 2: the file ends after 1 of 8/,
    ],
    [["lut", "--apply", "none.cube", "street.png", "--out", "x"], 1, /File none\.cube does not exist/],
  ])("rejects %j in one sentence and writes nothing", async (words, expected, message) => {
    const before = await readdir(cwd);
    const { code, stderr, stdout } = await runBin(words, { cwd });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/internal|\n\s+at /);
    expect({ code, stdout }).toEqual({ code: expected, stdout: "" });
    expect(await readdir(cwd)).toEqual(before);
  });
});

describe("visii learn", () => {
  const learn = (cwd: string, after: string) =>
    runBin(
      [
        "learn",
        "--pair",
        "day.png",
        after,
        "--out",
        "x.visii",
        "--model",
        tinyModel,
        "--steps",
        "1",
        "--json",
      ],
      {
        cwd,
      },
    );

  it("reports a pair that only changes colors, with the figure and the command that repeats it", async () => {
    const { code, stdout, stderr } = await learn(cwd, "warm.png");
    expect(code, stderr).toBe(0);
    const sentence =
      /The pair is a color change, which a 3D lookup table reproduces to \d\d\.\d dB .*: visii lut --pair day\.png warm\.png --out x\.cube/;
    expect(stderr).toMatch(sentence);
    expect(lastJson(stdout)).toMatchObject({
      warnings: expect.arrayContaining([expect.stringMatching(sentence)]),
    });
  });

  it("reports nothing about colors for another kind of edit", async () => {
    const { code, stderr } = await learn(await withNoise(), "noise.png");
    expect(code, stderr).toBe(0);
    expect(stderr).not.toContain("lookup table");
  });
});

/** A pair whose second image has stripes that no map of the first one's colors can produce. */
async function withNoise(): Promise<string> {
  const day = drawnImage(96, 64);
  const stripes = day.data.map((value, i) => ((i % 96) % 6 < 3 ? value : -value));
  await writeImage(join(cwd, "noise.png"), createRgbImage(96, 64, stripes));
  return cwd;
}
