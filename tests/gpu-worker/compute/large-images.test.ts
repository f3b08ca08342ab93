import { readFileSync } from "node:fs";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { Decoder } from "../../../gpu-worker/compute/decoder.ts";
import { maximumPixels } from "../../../shared/resources/upload.ts";

const [width, height] = [8160, 6120];
const formats = ["jpeg", "webp", "png"] as const;
type Format = (typeof formats)[number];
/** Settings with which the encoders are quick; the pixels matter here, not the size of the file. */
const options = { jpeg: { quality: 80 }, webp: { effort: 0 }, png: { compressionLevel: 1 } };

/** The largest image that the API accepts, with gradients and edges; a PNG has 16 bits per channel. */
function largest(format: Format): Promise<Buffer> {
  const deep = format === "png";
  const top = deep ? 65_535 : 255;
  const length = width * height * 3;
  const values = deep ? new Uint16Array(length) : new Uint8Array(length);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      values[at++] = (top * x) / width;
      values[at++] = (top * y) / height;
      values[at++] = ((x >> 6) + (y >> 6)) % 2 ? top : 0;
    }
  const image = sharp(values, { raw: { width, height, channels: 3 } });
  if (deep) image.toColourspace("rgb16");
  return image.toFormat(format, options[format]).toBuffer();
}

/** Notes the most physical memory that each child of this process has held so far, in bytes, by process ID. */
function noteMemory(peaks: Map<string, number>): void {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8");
  for (const pid of children.split(" ").filter(Boolean))
    try {
      const [, kilobytes] = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
      // The latest, which is the highest since the decoder's program started; before, it was that of this process.
      if (kilobytes !== undefined) peaks.set(pid, 1024 * Number(kilobytes));
    } catch {
      // It has ended.
    }
}

describe.runIf(process.platform === "linux")("three images of the largest size at once", () => {
  const decoder = new Decoder({ environment: process.env, seconds: 30 });
  afterAll(() => decoder.stop());

  it("are decoded one after another, each far below the limit of memory", async () => {
    expect(width * height).toBeGreaterThan(0.998 * maximumPixels);
    const files: Buffer[] = [];
    for (const format of formats) files.push(await largest(format));
    const peaks = new Map<string, number>();
    const timer = setInterval(() => noteMemory(peaks), 50);
    try {
      const never = new AbortController().signal;
      const decoded = await Promise.all(files.map((file) => decoder.normalize(file, "The image", never)));
      for (const [index, png] of decoded.entries()) {
        const depth = formats[index] === "png" ? "ushort" : "uchar";
        expect(await sharp(png).metadata()).toMatchObject({ format: "png", width, height, depth });
      }
    } finally {
      clearInterval(timer);
    }
    expect(peaks.size).toBe(3);
    // 150 MB of pixels with 8 bits per channel, 300 MB with 16; 1.04 GB were measured at most.
    expect(Math.min(...peaks.values())).toBeGreaterThan(150e6);
    expect(Math.max(...peaks.values())).toBeLessThan(1.3e9);
  }, 1_200_000);
});
