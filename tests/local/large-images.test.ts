import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { picture } from "../functions/test-images.ts";
import { largestFormats, largestHeight, largestImage, largestWidth } from "../gpu-worker/largest-image.ts";
import { RunningService } from "./running-service.ts";

let running: RunningService;
beforeAll(async () => {
  running = await RunningService.start({ workers: 2 });
});
afterAll(() => running?.stop());

/** The most physical memory that a process has held, in bytes. */
function peakOf(pid: number): number {
  return 1024 * Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

describe.runIf(process.platform === "linux")("three edits of the largest images at once", () => {
  it("succeed in bounded memory, and another account's edit ends before the last of them", async () => {
    const other = await running.openAccount();
    const small = await running.upload(await picture(), "image/png", other);
    const uploads: string[] = [];
    for (const format of largestFormats)
      uploads.push(await running.upload(await largestImage(format), `image/${format}`));
    const create = async (image: string, key?: string): Promise<string> => {
      const edit = { text: "sepia", images: [image], steps: 1 };
      const { status, body } = await running.call("POST", "/v1/edits", edit, {}, key);
      expect([status, body.detail]).toEqual([202, undefined]);
      return `/v1/edits/${body.id}`;
    };
    const large: string[] = [];
    for (const image of uploads) large.push(await create(image));
    const ended: string[] = [];
    const follow = async (name: string, path: string, key?: string) => {
      const { status, error, results } = await running.end(path, 1000, key);
      ended.push(name);
      return { status, error, size: results?.map(({ width, height }: never) => [width, height]) };
    };
    const answers = await Promise.all([
      ...large.map((path, index) => follow(largestFormats[index]!, path)),
      follow("small", await create(small, other), other),
    ]);
    for (const answer of answers.slice(0, -1))
      expect(answer).toEqual({ status: "succeeded", size: [[largestWidth, largestHeight]] });
    expect(answers.at(-1)?.status).toBe("succeeded");
    expect(ended.at(-1)).not.toBe("small");
    const peaks = running.service.workers
      .flatMap(({ computePids }) => computePids)
      .map((pid) => peakOf(pid!));
    expect(Math.max(...peaks)).toBeGreaterThan(600e6); // of a photo in float32
    expect(Math.max(...peaks)).toBeLessThan(3.5e9); // 2.7 GB were measured
  }, 1_200_000);
});
