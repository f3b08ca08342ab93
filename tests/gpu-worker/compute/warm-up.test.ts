import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { expect, it } from "vitest";
import { openPipeline } from "../../../engine/pipeline/pipeline.ts";
import { ComputeProcess } from "../../../gpu-worker/compute/compute-process.ts";
import { editTask } from "../../../gpu-worker/compute/edit-task.ts";
import { learnTask } from "../../../gpu-worker/compute/learn-task.ts";
import type { EditTask, TaskEvent } from "../../../gpu-worker/compute/protocol.ts";
import { warmUp } from "../../../gpu-worker/compute/warm-up.ts";
import { modelWithPairEncoder } from "../../engine/networks/model-with-pair-encoder.ts";
import { RunningService, tinyModel } from "../../local/running-service.ts";

const never = new AbortController().signal;
const canceled = { signal: never, parts: new Set<number>() };
const photo = await sharp({ create: { width: 1536, height: 1024, channels: 3, background: "#c83" } })
  .jpeg()
  .toBuffer();
const editOf = (prompt: EditTask["prompt"]): EditTask => ({
  kind: "edit",
  prompt,
  parts: [{ images: [{ index: 0, file: photo }], seed: 0, count: 1, format: "jpeg" }],
  batch: 4,
});

it("compiles every session of a draft and of an edit with it", async () => {
  const { folder, dispose } = await modelWithPairEncoder();
  const pipeline = await openPipeline(folder, { device: "cpu" });
  const compiled: string[] = [];
  const { session } = pipeline;
  pipeline.session = (key, build) =>
    session.call(pipeline, key, () => {
      compiled.push(key);
      return build();
    });
  await warmUp(pipeline, never);
  expect(compiled).toContainEqual(expect.stringMatching(/^pair /));
  const known = compiled.length;
  const draft = { kind: "learn", seed: 0, steps: 0, saveEvery: 60, previews: 0 } as const;
  const pairs = [{ before: photo, after: await sharp(photo).negate().jpeg().toBuffer() }];
  const { instruction } = await learnTask(pipeline, { ...draft, pairs }, never, async () => undefined);
  const events: TaskEvent["type"][] = [];
  await editTask(pipeline, editOf({ instruction: instruction!.file }), canceled, async ({ type }) => {
    events.push(type);
  });
  expect(events).toContain("result");
  expect(compiled.slice(known)).toEqual([]);
  await pipeline.dispose();
  await dispose();
});

it("makes way for a task, which runs in the same process", async () => {
  const started: (number | undefined)[] = [];
  const compute = new ComputeProcess({
    ...{ model: tinyModel, device: "cpu", threads: 1, cancelGraceMs: 5000, hangTimeoutMs: 120_000 },
    onStart: () => started.push(compute.pid),
  });
  try {
    const order: string[] = [];
    const warm = compute.warmUp().then(() => order.push("warm"));
    const results: TaskEvent[] = [];
    await compute.run(editOf({ text: "night", steps: 2 }), never, async (event) => {
      if (event.type === "result") results.push(event);
    });
    order.push("done");
    await warm;
    expect(results).toHaveLength(1);
    expect(order).toEqual(["warm", "done"]);
    expect(started).toHaveLength(1);
    expect(compute.pid).toBe(started[0]);
  } finally {
    await compute.stop();
  }
}, 120_000);

it("of a model that cannot run is an error of the start, which says why", async () => {
  const folder = await mkdtemp(join(tmpdir(), "visii-broken-"));
  await cp(tinyModel, folder, { recursive: true });
  const file = join(folder, "unet", "config.json");
  const config = JSON.parse(await readFile(file, "utf8"));
  await writeFile(file, JSON.stringify({ ...config, block_out_channels: [16, 40] }));
  try {
    await expect(RunningService.start({ model: folder })).rejects.toThrow(
      /^The worker ended with code 1: .*conv1\.weight has shape \[32, 16, 3, 3\], but its config\.json requires/,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}, 120_000);
