import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { embedPrompt } from "../../../engine/instruction/embed-instruction.ts";
import type { Instruction } from "../../../engine/instruction/instruction.ts";
import { readInstruction, writeInstruction } from "../../../engine/instruction/instruction-file.ts";
import { nearestWords } from "../../../engine/instruction/nearest-words.ts";
import { openPipeline, type Pipeline } from "../../../engine/pipeline/pipeline.ts";
import {
  encodeSafetensors,
  openSafetensors,
  readTensor,
  writeSafetensors,
} from "../../../engine/weights/safetensors-file.ts";
import { openFixture } from "../networks/expected-values.ts";
import { makeInstruction } from "./made-instruction.ts";

let folder: string;
let pipeline: Pipeline;
let instruction: Instruction;
let keysValues: Instruction;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-instruction-"));
  pipeline = await openPipeline((await openFixture("tiny-mini")).folder, { device: "cpu" });
  instruction = await makeInstruction(pipeline, "a red apple");
  keysValues = await makeInstruction(pipeline, "a red apple", { space: "kv" });
});
afterAll(async () => {
  await pipeline.dispose();
  await rm(folder, { recursive: true });
});

it("reads back from a file of a few kilobytes as it was written", async () => {
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
  [
    "a token of 1e38",
    (bytes) => Buffer.concat([bytes.subarray(0, -4), Buffer.from(Float32Array.of(1e38).buffer)]),
  ],
];
it.each(damages)("rejects %s, naming the file", async (_, damage) => {
  const sound = join(folder, "sound.visii");
  await writeInstruction(sound, instruction);
  const path = join(folder, "damaged.visii");
  await writeFile(path, damage(await readFile(sound)));
  await expect(readInstruction(path)).rejects.toMatchObject({
    code: "invalid_instruction",
    message: expect.stringContaining("damaged.visii"),
  });
});

describe("in the space kv", () => {
  it("reads back from a file as it was, with a tensor for the keys and values of each attention", async () => {
    const path = join(folder, "kv.visii");
    await writeInstruction(path, keysValues);
    expect(await readInstruction(path)).toEqual(keysValues);
    const { tensors } = await openSafetensors(path);
    const { name, width } = pipeline.textAttentions[1]!;
    expect(tensors.size).toBe(2 * pipeline.textAttentions.length);
    expect(tensors.get(`${name}.values`)?.shape).toEqual([keysValues.tokenCount, width]);
    const columns = pipeline.textAttentions[0]!.width * 2 + width;
    expect((await readTensor(await openSafetensors(path), `${name}.values`))[0]).toBe(
      keysValues.tokens[columns],
    );
  });

  const rows = (shape: readonly number[], fill = 0.5) => ({
    shape,
    data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(fill),
  });
  it.each([
    ["values without keys", { "a.attn2.values": rows([2, 8]) }, /differ in width, or one is missing/],
    ["keys of another width", { "a.keys": rows([2, 8]), "a.values": rows([2, 6]) }, /differ in width/],
    [
      "fewer rows in one attention",
      { "a.keys": rows([2, 8]), "a.values": rows([2, 8]), "b.keys": rows([3, 8]), "b.values": rows([3, 8]) },
      /b\.keys has 3 rows, others have 2/,
    ],
    ["a row that is no matrix", { "a.keys": rows([8]), "a.values": rows([8]) }, /a\.keys has shape \[8\]/],
    ["a tensor of another kind", { instruction: rows([2, 8]) }, /instruction is neither keys nor values/],
    ["nothing", {}, /no keys and values/],
    [
      "a number that is none",
      { "a.keys": rows([2, 8]), "a.values": rows([2, 8], Number.NaN) },
      /not all finite/,
    ],
    [
      "a number beyond any instruction",
      { "a.keys": rows([2, 8]), "a.values": rows([2, 8], -1e38) },
      /contains the token value -9\.99\d*e\+37; the maximum magnitude is 10000/,
    ],
  ])("rejects %s in one sentence", async (_, tensors, message) => {
    const path = join(folder, "damaged.visii");
    await writeSafetensors(path, tensors, { visii: JSON.stringify(keysValues.info) });
    await expect(readInstruction(path)).rejects.toMatchObject({
      code: "invalid_instruction",
      message: expect.stringMatching(message),
    });
  });

  it("rejects a version of another space", async () => {
    const path = join(folder, "mixed.visii");
    const info = { ...keysValues.info, formatVersion: 1 as const };
    await writeInstruction(path, { ...keysValues, info });
    await expect(readInstruction(path)).rejects.toThrow(/formatVersion: not the version of its space/);
  });

  it("is rejected by a model with other attentions, or attentions of another width", async () => {
    const { attentions = [], ...others } = keysValues;
    const [first, ...rest] = attentions;
    const wide = { ...others, attentions: [{ ...first!, width: first!.width + 4 }, ...rest] };
    await expect(embedPrompt(pipeline, { instruction: wide })).rejects.toMatchObject({
      code: "invalid_instruction",
      message: expect.stringContaining(`${first!.name} needs keys and values of width ${first!.width}`),
    });
    const more = { ...others, attentions: [...attentions, { name: "mid_block.attn9", width: 8 }] };
    await expect(embedPrompt(pipeline, { instruction: more })).rejects.toThrow(
      `keys and values of ${attentions.length + 1} attention layers, but the model has ${attentions.length}`,
    );
    await expect(embedPrompt(pipeline, { instruction: { ...others, attentions: rest } })).rejects.toThrow(
      /the instruction has none/,
    );
  });
});

it("is rejected with more rows than a text has positions", async () => {
  for (const { info, dimension, attentions } of [instruction, keysValues]) {
    const long = { tokens: new Float32Array(31 * dimension), tokenCount: 31, dimension, info };
    const given = { instruction: attentions ? { ...long, attentions } : long };
    await expect(embedPrompt(pipeline, given)).rejects.toThrow(/has 31 tokens, but a text has 30/);
  }
});

it("reads a file of the first version, which does not name its space", async () => {
  const path = join(folder, "first.visii");
  const { space: _, ...info } = instruction.info;
  const { tokens, tokenCount, dimension } = instruction;
  await writeSafetensors(
    path,
    { instruction: { shape: [tokenCount, dimension], data: tokens } },
    { visii: JSON.stringify(info) },
  );
  expect(await readInstruction(path)).toEqual(instruction);
});

it("reports how to create a missing file", async () => {
  await expect(readInstruction(join(folder, "absent.visii"))).rejects.toThrow(/absent\.visii.*visii learn/);
});

it.each(["text", "kv"] as const)("finds the word of an untrained token, in %s", async (space) => {
  const untouched = await makeInstruction(pipeline, "red", { change: 0, space });
  const [token] = await nearestWords(pipeline, untouched, 3);
  expect(token!.cosine).toEqual([...token!.cosine].sort((a, b) => b - a));
  expect(token!.cosine[0]).toBeLessThanOrEqual(1 + 1e-6);
  expect(token!.words).toHaveLength(3);
  expect(token!.words[0]).toBe("red");
  expect(token!.cosine[0]).toBeCloseTo(1, 5);
});
