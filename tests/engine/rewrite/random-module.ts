import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { bytesOf, type FloatType } from "../../../engine/graph/value.ts";
import { Module } from "../../../engine/networks/module.ts";
import { SeededRandom } from "../../../engine/random/seeded-random.ts";

/** Elements of the file, more than a weight of a block has. */
const count = 2 ** 22;
/** Distance between the starts of two weights, in elements; they overlap. */
const apart = 8191;

/** Weights for any module: overlapping slices of one file of random numbers. */
interface RandomWeights {
  /** The root of a model whose weights have the shapes that its code asks for. */
  module(graph: GraphBuilder, dtype: FloatType): Module;
  remove(): void;
}

/** @param scale standard deviation of the numbers; without it the file is empty and only shapes can be used */
export function randomWeights(scale?: number): RandomWeights {
  const folder = mkdtempSync(join(tmpdir(), "visii-random-weights-"));
  const file = join(folder, "weights");
  const numbers = scale
    ? new SeededRandom(1, "random weights").normals(count).map((x) => scale * x)
    : undefined;
  writeFileSync(file, numbers ? new Uint8Array(numbers.buffer) : new Uint8Array());
  const places = new Map<string, number>();
  return {
    module: (graph, dtype) =>
      new Module(
        graph,
        {
          subject: folder,
          label: "random",
          find: (name, shape) => {
            if (/\.to_[qkv]\.bias$/.test(name)) return undefined;
            // Only Module.has asks without a shape.
            const type = { dtype: "float32", shape: shape ?? [] } as const;
            const size = bytesOf(type);
            const place = places.get(name) ?? places.size;
            places.set(name, place);
            const start = (place * apart) % Math.max(1, count - size / 4);
            return { ...type, source: { file, byteOffset: 4 * start, byteLength: size } };
          },
        },
        dtype,
      ),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
