import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Instruction } from "../../gpu-worker/instruction/instruction.ts";
import { readInstruction, writeInstruction } from "../../gpu-worker/instruction/instruction-file.ts";
import { nearestWords } from "../../gpu-worker/instruction/nearest-words.ts";
import { openPipeline, type Pipeline } from "../../gpu-worker/pipeline/pipeline.ts";
import { encodeSafetensors } from "../../gpu-worker/weights/safetensors-file.ts";
import { openFixture } from "../models/expected-values.ts";
import { makeInstruction } from "./made-instruction.ts";

let folder: string;
let pipeline: Pipeline;
let instruction: Instruction;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-instruction-"));
  pipeline = await openPipeline((await openFixture("tiny-mini")).folder, { device: "cpu" });
  instruction = await makeInstruction(pipeline, "a red apple");
});
afterAll(async () => {
  await pipeline.dispose();
  await rm(folder, { recursive: true });
});

it("comes back from a file as it was, in a few kilobytes", async () => {
  const path = join(folder, "edit.visii");
  await writeInstruction(path, instruction);
  expect(await readInstruction(path)).toEqual(instruction);
  expect((await stat(path)).size).toBeLessThan(8_000);
});

const damages: [string, (bytes: Buffer) => Uint8Array][] = [
  ["nothing in it", () => new Uint8Array()],
  ["text", () => Buffer.from("not an instruction at all")],
  ["a file cut short", (bytes) => bytes.subarray(0, bytes.length - 9)],
  [
    "another program's safetensors",
    () => encodeSafetensors({ lora: { shape: [2], data: Float32Array.of(1, 2) } }, {}),
  ],
  [
    "a later format",
    (bytes) =>
      Buffer.from(bytes.toString("latin1").replace('formatVersion\\":1', 'formatVersion\\":9'), "latin1"),
  ],
  [
    "a token that is no number",
    (bytes) => Buffer.concat([bytes.subarray(0, -4), Buffer.from([0, 0, 0xc0, 0x7f])]),
  ],
];
it.each(damages)("refuses %s, naming the file", async (_, damage) => {
  const sound = join(folder, "sound.visii");
  await writeInstruction(sound, instruction);
  const path = join(folder, "damaged.visii");
  await writeFile(path, damage(await readFile(sound)));
  await expect(readInstruction(path)).rejects.toMatchObject({
    code: "invalid_instruction",
    message: expect.stringContaining("damaged.visii"),
  });
});

it("says how to make the file that is missing", async () => {
  await expect(readInstruction(join(folder, "absent.visii"))).rejects.toThrow(/absent\.visii.*visii learn/);
});

it("finds the words nearest to a token that still is one", async () => {
  const untouched = await makeInstruction(pipeline, "apple", { change: 0 });
  const [token] = await nearestWords(pipeline, untouched, 3);
  expect(token!.cosine).toEqual([...token!.cosine].sort((a, b) => b - a));
  expect(token!.cosine[0]).toBeLessThanOrEqual(1 + 1e-6);
  expect(token!.words).toHaveLength(3);
});
