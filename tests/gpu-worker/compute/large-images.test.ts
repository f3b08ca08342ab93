import { readFileSync } from "node:fs";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { Decoder } from "../../../gpu-worker/compute/decoder.ts";
import { maxPixels } from "../../../shared/resources/upload.ts";
import {
  largestHeight as height,
  largestFormats,
  largestImage,
  largestWidth as width,
} from "../largest-image.ts";

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
    expect(width * height).toBeGreaterThan(0.998 * maxPixels);
    const files: Buffer[] = [];
    for (const format of largestFormats) files.push(await largestImage(format));
    const peaks = new Map<string, number>();
    const timer = setInterval(() => noteMemory(peaks), 50);
    try {
      const never = new AbortController().signal;
      const decoded = await Promise.all(files.map((file) => decoder.normalize(file, "The image", never)));
      for (const [index, png] of decoded.entries()) {
        const depth = largestFormats[index] === "png" ? "ushort" : "uchar";
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
