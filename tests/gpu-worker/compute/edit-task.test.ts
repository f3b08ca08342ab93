import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import sharp from "sharp";
import { expect, it } from "vitest";
import { openPart } from "../../../gpu-worker/compute/edit-task.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

it("keeps of large pictures what the model takes, and no original", async () => {
  const background = { r: 200, g: 120, b: 40 };
  const bytes = await sharp({ create: { width: 3000, height: 2000, channels: 3, background } })
    .png()
    .toBuffer();
  const part = { images: [0, 1, 2].map((index) => ({ index, bytes })), count: 2 };
  const pipeline = { imageSize: { resolution: 64, multiple: 16 } };
  collect();
  const before = process.memoryUsage().arrayBuffers;
  // Only what opening looks at.
  const wanted = await openPart(pipeline, { part } as unknown as Parameters<typeof openPart>[1]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  collect();
  expect(wanted).toHaveLength(6);
  // Each original is 72 MB of floats; the last may still lie on a stack.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(80e6);
  expect((await wanted[0]!.open()).width).toBe(3000);
});
