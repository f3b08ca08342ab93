import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { psnr } from "../../../engine/image-quality/psnr.ts";
import { createRgbImage, type RgbImage } from "../../../engine/images/rgb-image.ts";
import { applyLut, type ColorLut, tabulate } from "../../../engine/lut/color-lut.ts";
import { readCube, writeCube } from "../../../engine/lut/cube-file.ts";
import { fitLut } from "../../../engine/lut/fit-lut.ts";
import { SeededRandom } from "../../../engine/random/seeded-random.ts";

const run = promisify(execFile);
const ffmpeg = await run("ffmpeg", ["-version"]).then(
  ({ stdout }) => stdout.split("\n")[0],
  () => undefined,
);
if (ffmpeg === undefined)
  console.warn("SKIPPED: ffmpeg is not on this machine, so lookup tables are not checked against its lut3d.");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-lut-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Colors of every kind, seeded. */
function noise(width: number, height: number): RgbImage {
  const random = new SeededRandom(5, "pixels");
  const data = Float32Array.from({ length: 3 * width * height }, () => 2 * random.uniform() - 1);
  return createRgbImage(width, height, data);
}

/** A bend of every channel by the others, with parts outside of [0, 1]. */
const bent = (size: number): ColorLut =>
  tabulate(size, (r, g, b) => [1.2 * r * r - 0.1 * g, g - 0.4 * r * b, Math.sin(2 * b) * (1 - 0.3 * g)]);

const identity: ColorLut = tabulate(5, (r, g, b) => [r, g, b]);

async function cube(text: string): Promise<string> {
  const path = join(folder, "given.cube");
  await writeFile(path, text);
  return path;
}

describe("a lookup table", () => {
  it("keeps every color if it is the identity", () => {
    const image = noise(40, 30);
    expect(psnr(applyLut(identity, image), image)).toBeGreaterThan(130);
  });

  it("is exact for linear maps, in every tetrahedron", () => {
    const linear = tabulate(3, (r, g, b) => [0.2 * r + 0.5 * g + 0.1 * b, 1 - r, (g + b) / 2]);
    const image = noise(40, 30);
    const area = image.width * image.height;
    const channel = (c: number, i: number) => (image.data[c * area + i]! + 1) / 2;
    const result = applyLut(linear, image);
    for (let i = 0; i < area; i++) {
      const [r, g, b] = [channel(0, i), channel(1, i), channel(2, i)];
      expect((result.data[i]! + 1) / 2).toBeCloseTo(0.2 * r + 0.5 * g + 0.1 * b, 5);
      expect((result.data[area + i]! + 1) / 2).toBeCloseTo(1 - r, 5);
      expect((result.data[2 * area + i]! + 1) / 2).toBeCloseTo((g + b) / 2, 5);
    }
  });

  it("clamps colors to its domain, and its results to the range", () => {
    const narrow: ColorLut = { ...identity, domain: { min: [0.25, 0.25, 0.25], max: [0.75, 0.75, 0.75] } };
    const gray = createRgbImage(3, 1, Float32Array.from([-1, 0, 1, -1, 0, 1, -1, 0, 1]));
    expect([...applyLut(narrow, gray).data]).toEqual([-1, 0, 1, -1, 0, 1, -1, 0, 1]);
    const high = tabulate(2, (r) => [2 * r, -1, 0.5]);
    expect([...applyLut(high, gray).data]).toEqual([-1, 1, 1, -1, -1, -1, 0, 0, 0]);
  });

  it("fitted to a pair repeats a cubic of its colors", () => {
    const before = noise(64, 64);
    const after = createRgbImage(
      64,
      64,
      before.data.map((value) => 2 * ((value + 1) / 2) ** 2 - 1),
    );
    // Between nodes 1/32 apart a square is off by (1/64)² = −72 dB at most.
    expect(psnr(applyLut(fitLut([{ before, after }], 33), before), after)).toBeGreaterThan(70);
  });
});

describe("a .cube file", () => {
  it("reads back as written, to six decimals", async () => {
    const path = join(folder, "bent.cube");
    await writeCube(path, bent(7), 'a "look"');
    const back = await readCube(path);
    expect(back.size).toBe(7);
    expect(back.domain).toEqual({ min: [0, 0, 0], max: [1, 1, 1] });
    for (const [i, value] of bent(7).colors.entries())
      expect(Math.abs(back.colors[i]! - value)).toBeLessThan(6e-7);
    expect((await readFile(path, "utf8")).split("\n").slice(0, 2)).toEqual([
      `TITLE "a 'look'"`,
      "LUT_3D_SIZE 7",
    ]);
  });

  it("may have comments, blank lines, either line ending, a byte order mark, and a domain in either spelling", async () => {
    const corners = ["0 0 0", "1 0 0", "0 1 0", "1 1 0", "0 0 1", "1 0 1", "0 1 1", "1 1 1"];
    const text = (head: string) => [
      "\uFEFF# a look",
      "",
      'TITLE "x"',
      head,
      "LUT_3D_SIZE 2 # side",
      ...corners,
    ];
    const domain = await readCube(await cube(text("DOMAIN_MIN 0 0 0.5").join("\r\n")));
    expect(domain.domain.min).toEqual([0, 0, 0.5]);
    expect([...domain.colors.subarray(0, 6)]).toEqual([0, 0, 0, 1, 0, 0]);
    const range = await readCube(await cube(text("LUT_3D_INPUT_RANGE 0 4").join("\n")));
    expect(range.domain.max).toEqual([4, 4, 4]);
  });

  const start = "LUT_3D_SIZE 2\n0 0 0\n1 0 0\n";
  it.each([
    [
      "a 1D table",
      "# x\nLUT_1D_SIZE 1024\n0 0 0\n",
      /line 2: LUT_1D_SIZE belongs to a 1D table; export the look as a 3D LUT/,
    ],
    ["an absurd size", "LUT_3D_SIZE 100000\n", /line 1: LUT_3D_SIZE is "100000"; it must be 2 to 129/],
    ["a negative size", "LUT_3D_SIZE -3\n", /line 1: LUT_3D_SIZE is "-3"/],
    ["a size of two numbers", "LUT_3D_SIZE 2 2\n", /line 1: LUT_3D_SIZE is "2 2"/],
    ["a second size", `${start}LUT_3D_SIZE 2\n`, /line 4: LUT_3D_SIZE is repeated/],
    ["no size", 'TITLE "x"\n', /line 1: the file has no LUT_3D_SIZE/],
    ["an empty file", "", /line 0: the file has no LUT_3D_SIZE/],
    ["a color before the size", "0 0 0\nLUT_3D_SIZE 2\n", /line 1: a color precedes LUT_3D_SIZE/],
    ["a color of two numbers", `${start}0 1\n`, /line 4: a color needs three numbers, not "0 1"/],
    ["a color in words", `${start}0 1 red\n`, /line 4: a color needs three numbers, not "0 1 red"/],
    ["an infinite color", `${start}0 1 1e999\n`, /line 4: a color needs three numbers/],
    ["a cut end", `${start}0 1 0`, /line 4: the file ends after 3 of 8 colors; it is truncated/],
    ["too many colors", `LUT_3D_SIZE 2\n${"0 0 0\n".repeat(9)}`, /line 10: there are more than the 8 colors/],
    ["an unknown keyword", "LUT_3D_SHAPE 2\n", /line 1: "LUT_3D_SHAPE" is not a keyword of a \.cube file/],
    ["a control character", "\u001b[31mred\n", /line 1: "\\u001b\[31mred" is not a keyword/],
    ["an empty domain", `DOMAIN_MAX 0 1 1\nLUT_3D_SIZE 2\n${"0 0 0\n".repeat(8)}`, /domain is 0 to 0/],
  ])("with %s is rejected in one sentence that names the line", async (_, text, message) => {
    const path = await cube(text);
    await expect(readCube(path)).rejects.toMatchObject({ code: "invalid_lut" });
    await expect(readCube(path)).rejects.toThrow(message);
    await expect(readCube(path)).rejects.toThrow(path);
  });

  it("that is a folder, too large or missing is rejected", async () => {
    await expect(readCube(folder)).rejects.toThrow(/not a regular file/);
    await expect(readCube(join(folder, "none.cube"))).rejects.toMatchObject({ code: "lut_not_found" });
    const large = await cube("LUT_3D_SIZE 2\n");
    await truncate(large, 300 * 2 ** 20);
    expect((await stat(large)).size).toBeGreaterThan(3e8);
    await expect(readCube(large)).rejects.toThrow(/is 315 MB/);
  });
});

describe.skipIf(ffmpeg === undefined)("against ffmpeg's lut3d", () => {
  /** 16-bit pixels, interleaved. */
  const bytes = ({ width, height, data }: RgbImage) => {
    const area = width * height;
    const pixels = new Uint16Array(3 * area);
    for (let i = 0; i < 3 * area; i++)
      pixels[i] = Math.round(((data[(i % 3) * area + Math.floor(i / 3)]! + 1) / 2) * 65535);
    return pixels;
  };

  it.each([2, 17, 33])("a table of side %i maps 12,000 colors in the same way", async (size) => {
    const [width, height] = [120, 100];
    const pixels = bytes(noise(width, height));
    const rounded = createRgbImage(
      width,
      height,
      Float32Array.from({ length: pixels.length }, (_, i) => {
        const [channel, pixel] = [Math.floor(i / (width * height)), i % (width * height)];
        return (2 * pixels[3 * pixel + channel]!) / 65535 - 1;
      }),
    );
    const [table, input, output] = ["bent.cube", "in.raw", "out.raw"].map((name) => join(folder, name));
    await writeCube(table!, bent(size), "bent");
    await writeFile(input!, new Uint8Array(pixels.buffer));
    const raw = ["-f", "rawvideo", "-pix_fmt", "rgb48le"];
    await run(
      "ffmpeg",
      [
        ...["-v", "error", "-y", ...raw, "-s", `${width}x${height}`, "-i", input!],
        ...["-vf", "lut3d=file=bent.cube:interp=tetrahedral", ...raw, output!],
      ],
      { cwd: folder },
    );
    const theirs = new Uint16Array(Uint8Array.from(await readFile(output!)).buffer);
    expect(theirs).toHaveLength(pixels.length);
    const ours = bytes(applyLut(await readCube(table!), rounded));
    const farthest = theirs.reduce((most, value, i) => Math.max(most, Math.abs(value - ours[i]!)), 0);
    // ffmpeg computes in float32 and truncates where visii rounds.
    expect(farthest).toBeLessThanOrEqual(2);
  });
});
