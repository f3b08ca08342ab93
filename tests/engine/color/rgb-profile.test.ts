import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { chromaticities, createIccProfile, parseIccProfile } from "../../../engine/color/icc-profile.ts";
import { convertPixels, isSameSpace, sampledCurve, srgb } from "../../../engine/color/rgb-profile.ts";
import { embedInPng } from "../../../engine/metadata/embed-png.ts";
import { plain } from "../images/stand-ins.ts";

const proPhoto = [
  [0.734699, 0.265301],
  [0.159597, 0.840403],
  [0.036598, 0.000105],
  [0.345704, 0.35854],
] as const;
const builtIn = async (name: string) =>
  (await sharp(await plain(1, 1, "#000").withIccProfile(name).png().toBuffer()).metadata()).icc!;

/** Colors on a grid of 0 … 255, interleaved. */
const grid = Uint8Array.from({ length: 9 ** 3 * 3 }, (_, at) => {
  const [color, channel] = [Math.floor(at / 3), at % 3];
  return Math.round((Math.floor(color / 9 ** channel) % 9) * 31.875);
});

describe("convertPixels", () => {
  it.each([
    ["Display P3", () => createIccProfile(chromaticities.displayP3, "srgb")],
    ["sharp's Display P3, with sampled curves or others", () => builtIn("p3")],
    ["Adobe RGB", () => createIccProfile(chromaticities.adobeRgb, 563 / 256)],
    ["ProPhoto", () => createIccProfile(proPhoto, 1.8)],
    ["linear sRGB", () => createIccProfile(chromaticities.srgb, 1)],
  ] as const)("agrees with Little CMS for %s, and converts back", async (_, makeProfile) => {
    const icc = await makeProfile();
    const profile = parseIccProfile(icc)!;
    const area = grid.length / 3;
    const png = await sharp(grid, { raw: { width: area, height: 1, channels: 3 } })
      .png()
      .toBuffer();
    const wanted = await sharp(embedInPng(png, { profile: icc }))
      .raw()
      .toBuffer();
    const own = Float32Array.from(
      { length: grid.length },
      (_, at) => grid[(at % area) * 3 + Math.floor(at / area)]! / 127.5 - 1,
    );
    const converted = convertPixels(own, profile, srgb);
    const worst = Math.max(
      ...converted.map((value, at) =>
        Math.abs((value + 1) * 127.5 - wanted[(at % area) * 3 + Math.floor(at / area)]!),
      ),
    );
    // Little CMS rounds to 8 bits and interpolates its curves.
    expect(worst).toBeLessThan(2);
    const again = convertPixels(convertPixels(converted, srgb, profile), profile, srgb);
    expect(Math.max(...again.map((value, at) => Math.abs(value - converted[at]!)))).toBeLessThan(0.001);
  });
});

describe("an ICC profile", () => {
  it("is distinguished from sRGB by its numbers, not by its creator", async () => {
    const isSrgb = (icc: Uint8Array) => isSameSpace(parseIccProfile(icc)!, srgb);
    expect(isSrgb(await builtIn("srgb"))).toBe(true);
    expect(isSrgb(createIccProfile(chromaticities.srgb, "srgb"))).toBe(true);
    expect(isSrgb(createIccProfile(chromaticities.adobeRgb, 2.2))).toBe(false);
    expect(isSrgb(createIccProfile(chromaticities.srgb, 1.8))).toBe(false);
  });

  it("of another kind, or damaged, is undefined", async () => {
    const cmyk = await sharp(await plain(1, 1, "#000").withIccProfile("cmyk").jpeg().toBuffer()).metadata();
    expect(parseIccProfile(cmyk.icc!)).toBeUndefined();
    expect(parseIccProfile(Buffer.alloc(0))).toBeUndefined();
    const p3 = createIccProfile(chromaticities.displayP3, "srgb");
    for (let length = 0; length < p3.length; length += 7)
      expect(parseIccProfile(p3.subarray(0, length))).toBeUndefined();
  });
});

it("a sampled curve and its inverse cancel", () => {
  const curve = sampledCurve([0, 0.1, 0.15, 0.6, 1]);
  for (const x of [0, 0.1, 0.33, 0.5, 0.99, 1]) expect(curve.encode(curve.decode(x))).toBeCloseTo(x, 9);
});
