import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import sharp from "sharp";
import { expect, it } from "vitest";
import { openPipeline } from "../../../engine/pipeline/pipeline.ts";
import { editTask, openPart } from "../../../gpu-worker/compute/edit-task.ts";
import type { EditPart } from "../../../gpu-worker/compute/protocol.ts";
import type { Emit } from "../../../gpu-worker/compute/task-hooks.ts";
import { tinyModel } from "../../cli/run-bin.ts";
import { openFixture } from "../../engine/networks/expected-values.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

it("keeps only the resized images of large photos", async () => {
  const background = { r: 200, g: 120, b: 40 };
  const bytes = await sharp({ create: { width: 3000, height: 2000, channels: 3, background } })
    .png()
    .toBuffer();
  const part = { images: [0, 1, 2].map((index) => ({ index, file: bytes })), count: 2 };
  const pipeline = { imageSize: { resolution: 64, multiple: 16 } };
  collect();
  const before = process.memoryUsage().arrayBuffers;
  // Only the fields that opening uses.
  const wanted = await openPart(pipeline, { part } as unknown as Parameters<typeof openPart>[1]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  collect();
  expect(wanted).toHaveLength(6);
  // Each original is 72 MB of floats; the last may still be on a stack.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(80e6);
  expect((await wanted[0]!.open()).width).toBe(3000);
});

it("writes each job's results with the metadata and the profile of their own photos that the job asks for", async () => {
  const phone = await readFile(new URL("../../fixtures/photos/phone.jpg", import.meta.url));
  const clean = await sharp(phone).jpeg().toBuffer();
  const wide = await sharp(phone).keepExif().withIccProfile("p3").jpeg().toBuffer();
  const pipeline = await openPipeline(tinyModel, { device: "cpu" });
  const part: EditPart = { images: [{ index: 0, file: phone }], seed: 0, count: 1, format: "png" };
  const parts: EditPart[] = [
    part,
    { ...part, metadata: "keep", format: "webp" },
    { ...part, metadata: "strip" },
    { ...part, metadata: "keep", images: [{ index: 0, file: clean }] },
    { ...part, metadata: "strip", colorProfile: "keep", images: [{ index: 0, file: wide }] },
  ];
  const profiles: boolean[] = [];
  const results: string[] = [];
  const task = { kind: "edit", prompt: { text: "night", steps: 1 }, parts, batch: 4 } as const;
  const canceled = { signal: new AbortController().signal, parts: new Set<number>() };
  await editTask(pipeline, task, canceled, async (event) => {
    if (event.type !== "result") return;
    results[event.part] = Buffer.from(event.bytes).toString("latin1");
    profiles[event.part] = (await sharp(event.bytes).metadata()).hasProfile;
  });
  await pipeline.dispose();
  expect(results.map((text) => [/Ana/.test(text), /Paris/.test(text)])).toEqual([
    [true, false],
    [true, true],
    [false, false],
    [false, false],
    [false, false],
  ]);
  expect(profiles).toEqual([false, false, false, false, true]);
});

it("keeps an image where its mask is black, and fails only the job whose mask has another shape", async () => {
  const image = (width: number, height: number, red: number) =>
    sharp({ create: { width, height, channels: 3, background: { r: red, g: 90, b: 40 } } });
  const photo = await image(64, 64, 200).png().toBuffer();
  const white = { create: { width: 32, height: 64, channels: 3, background: "white" } } as const;
  const rightHalf = await sharp({ create: { width: 64, height: 64, channels: 3, background: "black" } })
    .composite([{ input: await sharp(white).png().toBuffer(), left: 32, top: 0 }])
    .png()
    .toBuffer();
  const part = (mask: Buffer): EditPart => ({
    images: [{ index: 0, file: photo }],
    mask,
    seed: 0,
    count: 1,
    format: "png",
  });
  const { folder } = await openFixture("tiny-mini");
  const pipeline = await openPipeline(folder, { device: "cpu", resolution: 64 });
  const events: Parameters<Emit>[0][] = [];
  const parts = [part(rightHalf), part(await image(64, 32, 255).png().toBuffer())];
  await editTask(
    pipeline,
    { kind: "edit", prompt: { text: "make it night", steps: 1 }, parts, batch: 1 },
    { signal: new AbortController().signal, parts: new Set() },
    async (event) => void events.push(event),
  );
  await pipeline.dispose();
  expect(events).toContainEqual({
    type: "part failed",
    part: 1,
    failure: expect.objectContaining({
      code: "invalid_mask",
      message:
        "The mask of the photo is 64×32 and Image 1 is 64×64; use a mask with the photo's aspect ratio.",
    }),
  });
  const results = events.flatMap((event) => (event.type === "result" ? [event] : []));
  expect(results.map((result) => result.part)).toEqual([0]);
  const pixels = await sharp(results[0]!.bytes).removeAlpha().raw().toBuffer();
  const at = (x: number, y: number) => [...pixels.subarray((y * 64 + x) * 3, (y * 64 + x) * 3 + 3)];
  expect(at(8, 32)).toEqual([200, 90, 40]);
  expect(at(56, 32)).not.toEqual([200, 90, 40]);
});
