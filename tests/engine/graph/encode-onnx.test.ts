import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeOnnx, externalName } from "../../../engine/graph/encode-onnx.ts";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import type { DType } from "../../../engine/graph/value.ts";
import { runOnCpu } from "../numerics/run-on-cpu.ts";

/** 0.5, −1, 2, 3.25 in each storage format (IEEE half; bfloat16 is the upper half of a float32). */
const values = [0.5, -1, 2, 3.25];
const stored: readonly (readonly [DType, Uint8Array])[] = [
  ["float32", new Uint8Array(Float32Array.from(values).buffer)],
  ["float16", new Uint8Array(Uint16Array.of(0x3800, 0xbc00, 0x4000, 0x4280).buffer)],
  ["bfloat16", new Uint8Array(Uint16Array.of(0x3f00, 0xbf80, 0x4000, 0x4050).buffer)],
];

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "visii-encode-"));
});
afterAll(() => rm(root, { recursive: true }));

describe("weights stay in their file, at any offset", () => {
  test.each(stored)("%s, cast in the graph", async (dtype, bytes) => {
    const file = join(root, `${dtype}.safetensors`);
    const byteOffset = await writeUnaligned(file, dtype, bytes);
    expect(byteOffset % 2).toBe(1);

    const graph = new GraphBuilder("weights");
    const source = { file, byteOffset, byteLength: bytes.length };
    const w = graph.weight("layer.weight", { dtype, shape: [2, 2] }, source);
    const x = graph.input("x", "float32", [1, 2]);
    graph.output("y", graph.matmul(x, graph.cast(w, "float32")));
    const { y } = await runOnCpu(graph.build(), { x: Float32Array.of(1, 10) }, root);
    expect([...y!]).toEqual([20.5, 31.5]);
  });

  test("a weight can be an output", async () => {
    const file = join(root, "output.safetensors");
    const byteOffset = await writeUnaligned(file, ...stored[0]!);
    const graph = new GraphBuilder("weights");
    const source = { file, byteOffset, byteLength: 16 };
    graph.output("w", graph.weight("layer.weight", { dtype: "float32", shape: [4] }, source));
    expect([...(await runOnCpu(graph.build(), {}, root)).w!]).toEqual(values);
  });

  test("the model contains the file's path relative to the root and none of its bytes", () => {
    const graph = new GraphBuilder("weights");
    const source = { file: join(root, "unet", "big.safetensors"), byteOffset: 5, byteLength: 4e9 };
    const w = graph.weight("layer.weight", { dtype: "float32", shape: [1000, 1000, 1000] }, source);
    graph.output("y", graph.exp(w));
    const model = Buffer.from(encodeOnnx(graph.build(), root));
    expect(externalName(source.file, root)).toBe("unet/big.safetensors");
    expect(model.includes("unet/big.safetensors")).toBe(true);
    expect(model.includes("4000000000")).toBe(true);
    expect(model.length).toBeLessThan(1000);
  });
});

describe("a graph on onnxruntime returns", () => {
  test("an input as an output, and one value under two names", async () => {
    const graph = new GraphBuilder("identity");
    const x = graph.input("x", "float32", [2]);
    const y = graph.mul(x, 2);
    graph.output("same", x);
    graph.output("twice", y);
    graph.output("again", y);
    const results = await runOnCpu(graph.build(), { x: Float32Array.of(1, -3) });
    expect(Object.entries(results).map(([name, data]) => [name, [...data]])).toEqual([
      ["same", [1, -3]],
      ["twice", [2, -6]],
      ["again", [2, -6]],
    ]);
  });

  test("constants of every kind, with scopes and slashes in names", async () => {
    const graph = new GraphBuilder("constants");
    const table = graph.constant([1, 2, 3, 4, 5, 6], [3, 2]);
    const rows = graph.scope("down/0", () => graph.gather(table, graph.constantIds([2, 0], [2])));
    graph.output("y", graph.sub(graph.mul(rows, 10), graph.constant([0.5], [1])));
    expect([...(await runOnCpu(graph.build(), {})).y!]).toEqual([49.5, 59.5, 9.5, 19.5]);
  });

  test("the same bytes every time it is encoded", () => {
    const make = () => {
      const graph = new GraphBuilder("twice");
      const x = graph.input("x", "float32", [1, 2, 4, 4]);
      graph.output("y", graph.resize(graph.averagePool(graph.quickGelu(graph.clip(x, -1, 1), 1.702), 2), 2));
      return encodeOnnx(graph.build(), "/");
    };
    expect(make()).toEqual(make());
  });
});

/**
 * A safetensors file of one 2 × 2 tensor whose header has an odd length, so that the data begins at an odd
 * byte; returns it.
 */
async function writeUnaligned(file: string, dtype: DType, bytes: Uint8Array): Promise<number> {
  const code = { float32: "F32", float16: "F16", bfloat16: "BF16", int8: "I8", int64: "I64", bool: "BOOL" }[
    dtype
  ];
  const entry = { "layer.weight": { dtype: code, shape: [2, 2], data_offsets: [0, bytes.length] } };
  const text = JSON.stringify(entry);
  const header = text.length % 2 ? text : `${text} `;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  await writeFile(file, Buffer.concat([length, Buffer.from(header), bytes]));
  return 8 + header.length;
}
