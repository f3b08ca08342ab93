import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  encodeSafetensors,
  openSafetensors,
  readTensor,
  streamSafetensors,
  writeSafetensors,
} from "../../../engine/weights/safetensors-file.ts";
import { sha256OfFile } from "../../../shared/file-hash.ts";
import { readIntegers } from "./read-integers.ts";

const fixtures = join(import.meta.dirname, "../../fixtures");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-weights-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function fileOf(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

describe("a safetensors file", () => {
  it("reads back as written, for every element type", async () => {
    const path = join(folder, "round-trip.safetensors");
    await writeSafetensors(
      path,
      {
        bytes: { shape: [3], data: Uint8Array.of(1, 2, 255) },
        floats: { shape: [2, 2], data: Float32Array.of(1.5, -2, 3e-40, Number.POSITIVE_INFINITY) },
        doubles: { shape: [1], data: Float64Array.of(0.1) },
        ids: { shape: [2], data: BigInt64Array.of(-1n, 49407n) },
        scalar: { shape: [], data: Int32Array.of(-7) },
      },
      { format: "test", ключ: "значение" },
    );
    const file = await openSafetensors(path);
    expect({ ...file.metadata }).toEqual({ format: "test", ключ: "значение" });
    expect([...(await readTensor(file, "floats"))]).toEqual([
      1.5,
      -2,
      Math.fround(3e-40),
      Number.POSITIVE_INFINITY,
    ]);
    expect([...(await readTensor(file, "doubles"))]).toEqual([Math.fround(0.1)]);
    expect(await readIntegers(file, "ids")).toEqual([-1, 49407]);
    expect(await readIntegers(file, "scalar")).toEqual([-7]);
    expect(await readIntegers(file, "bytes")).toEqual([1, 2, 255]);
    expect(file.tensors.get("ids")!.byteOffset % 8).toBe(0);
  });

  it("has bytes that do not depend on the order of names", () => {
    const a = { shape: [1], data: Float32Array.of(1) };
    const b = { shape: [2], data: Uint8Array.of(2, 3) };
    expect(encodeSafetensors({ a, b }, { x: "1", y: "2" })).toEqual(
      encodeSafetensors({ b, a }, { y: "2", x: "1" }),
    );
  });

  it("reads every float16 exactly", async () => {
    const bits = Uint16Array.from({ length: 65_536 }, (_, i) => i);
    const path = await fileOf("f16", encodeSafetensors({ x: { shape: [65_536], data: bits, dtype: "F16" } }));
    const values = await readTensor(await openSafetensors(path), "x");
    const known = [
      [0x0001, 2 ** -24],
      [0x03ff, 1023 * 2 ** -24],
      [0x0400, 2 ** -14],
      [0x3555, 0.333251953125],
      [0x3c00, 1],
      [0x7bff, 65504],
      [0x7c00, Number.POSITIVE_INFINITY],
      [0x8000, -0],
      [0xc000, -2],
      [0xfbff, -65504],
      [0xfc00, Number.NEGATIVE_INFINITY],
      [0x7e00, Number.NaN],
    ] as const;
    for (const [pattern, value] of known) expect(values[pattern]).toBe(value);
    // Positive finite halves are ordered like their bits, so all values between the known ones are right.
    for (let i = 1; i < 0x7c00; i++) expect(values[i]! > values[i - 1]!).toBe(true);
  });

  it("reads every bfloat16 exactly", async () => {
    const bits = Uint16Array.of(0x3f80, 0xc000, 0x7f80, 0x0001, 0x8000, 0x4049);
    const path = await fileOf("bf16", encodeSafetensors({ x: { shape: [6], data: bits, dtype: "BF16" } }));
    const values = await readTensor(await openSafetensors(path), "x");
    expect([...values]).toEqual([1, -2, Number.POSITIVE_INFINITY, 2 ** -133, -0, 3.140625]);
  });

  it("reads the same from diffusers in float32 and from transformers in bfloat16", async () => {
    const full = await openSafetensors(join(fixtures, "tiny-ip2p/text_encoder/model.safetensors"));
    const half = await openSafetensors(join(fixtures, "tiny-ip2p/text_encoder_bf16/model.safetensors"));
    expect({ ...full.metadata }).toEqual({ format: "pt" });
    const exact = await readTensor(full, "text_model.final_layer_norm.weight");
    const rounded = await readTensor(half, "final_layer_norm.weight");
    expect(half.tensors.get("final_layer_norm.weight")?.dtype).toBe("BF16");
    // bfloat16 keeps 8 significant bits: half a unit in the last place is 2^-9 of the value.
    for (const [i, value] of exact.entries())
      expect(Math.abs(rounded[i]! - value)).toBeLessThanOrEqual(2 ** -8 * Math.abs(value));
    expect(exact).not.toEqual(rounded);
  });

  it("has a hash", async () => {
    const path = await fileOf("whole", encodeSafetensors({ x: { shape: [2], data: Float32Array.of(1, 2) } }));
    const file = await openSafetensors(path);
    expect(await sha256OfFile(file.path)).toBe(
      createHash("sha256")
        .update(await readFile(path))
        .digest("hex"),
    );
  });

  it("that is missing, empty, truncated, a folder, or another format is rejected in one sentence", async () => {
    const good = encodeSafetensors({ x: { shape: [2], data: Float32Array.of(1, 2) } });
    const cases: readonly [string, RegExp][] = [
      [join(folder, "absent.safetensors"), /absent\.safetensors does not exist; check the model folder\.$/],
      [folder, /is not a file|cannot be opened/],
      [await fileOf("empty", new Uint8Array()), /empty is not a valid .* ends inside its header/],
      [await fileOf("cut-header", good.slice(0, 20)), /ends inside its header/],
      [await fileOf("cut-data", good.slice(0, -1)), /beyond the file/],
      [await fileOf("long", Uint8Array.of(...good, 0)), /last 1 bytes belong to no tensor/],
      [
        await fileOf("zip", new TextEncoder().encode("PK\u0003\u0004 a pickled checkpoint")),
        /its header length is/,
      ],
    ];
    for (const [path, message] of cases) {
      await expect(openSafetensors(path)).rejects.toThrow(message);
      await expect(openSafetensors(path)).rejects.toMatchObject({ name: "VisibleError" });
    }
  });

  it("that shrinks between opening and reading is detected", async () => {
    const path = await fileOf(
      "shrinks",
      encodeSafetensors({ x: { shape: [2], data: Float32Array.of(1, 2) } }),
    );
    const file = await openSafetensors(path);
    await truncate(path, file.size - 4);
    await expect(readTensor(file, "x")).rejects.toThrow(/truncated/);
  });

  it("names a missing tensor, and one of an unsupported type", async () => {
    const path = await fileOf("ints", encodeSafetensors({ ids: { shape: [1], data: Int32Array.of(1) } }));
    const file = await openSafetensors(path);
    await expect(readTensor(file, "nothing")).rejects.toThrow(/no tensor "nothing"/);
    await expect(readTensor(file, "ids")).rejects.toThrow(/"ids" .* has dtype I32/);
  });

  it("is written atomically, without leftover files", async () => {
    const place = join(folder, "writing");
    await mkdir(join(place, "taken.safetensors", "child"), { recursive: true });
    const tensors = { x: { shape: [1], data: Float32Array.of(1) } };
    await expect(writeSafetensors(join(place, "taken.safetensors"), tensors)).rejects.toThrow(
      /Cannot write .*taken/,
    );
    await expect(writeSafetensors(join(place, "no/such/folder"), tensors)).rejects.toThrow(
      /folder does not exist/,
    );
    expect(await readdir(place)).toEqual(["taken.safetensors"]);
  });

  it("throws an internal error for data that does not fill its shape", () => {
    expect(() => encodeSafetensors({ x: { shape: [3], data: Float32Array.of(1) } })).toThrow(
      /internal: tensor "x"/,
    );
    expect(() => encodeSafetensors({ x: { shape: [1], data: Float32Array.of(1), dtype: "F16" } })).toThrow(
      /internal:/,
    );
  });
});

describe("a safetensors file that is streamed", () => {
  const numbers = (from: number, count: number) => Float32Array.from({ length: count }, (_, i) => from + i);
  const inPieces = function* (values: Float32Array, size: number) {
    for (let at = 0; at < values.length; at += size)
      yield new Uint8Array(values.subarray(at, at + size).slice().buffer);
  };

  it("equals one written from memory", async () => {
    const [long, short] = [numbers(0, 600), numbers(7, 3)];
    const path = join(folder, "streamed.safetensors");
    let last = 0;
    await streamSafetensors(
      path,
      [
        { name: "short", dtype: "F32", shape: [3], bytes: () => inPieces(short, 3) },
        { name: "long", dtype: "F32", shape: [20, 30], bytes: () => inPieces(long, 77) },
        { name: "ids", dtype: "I64", shape: [1], bytes: () => [new Uint8Array(8)] },
      ],
      { format: "pt" },
      (bytes) => {
        last = bytes;
      },
    );
    const written = await readFile(path);
    const expected = encodeSafetensors(
      {
        long: { shape: [20, 30], data: long },
        short: { shape: [3], data: short },
        ids: { shape: [1], data: new BigInt64Array(1) },
      },
      { format: "pt" },
    );
    expect(written.equals(expected)).toBe(true);
    expect(last).toBe(expected.byteLength);
  });

  it("is deleted if a tensor gives too few bytes", async () => {
    const path = join(folder, "short.safetensors");
    const tensor = { name: "a", dtype: "F32", shape: [4], bytes: () => inPieces(numbers(0, 3), 2) } as const;
    await expect(streamSafetensors(path, [tensor])).rejects.toThrow(/"a" gave 12 bytes for F32 \[4\]/);
    expect((await readdir(folder)).filter((name) => name.includes("short.safetensors"))).toEqual([]);
  });
});
