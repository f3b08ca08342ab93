import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import type { DType } from "../../../engine/graph/value.ts";
import { ModelCache } from "../../../engine/model-cache/model-cache.ts";
import { type OptimizedGraph, optimize } from "../../../engine/rewrite/optimize.ts";
import { Session } from "../../../engine/runtime/session.ts";
import { encodeSafetensors, openSafetensors } from "../../../engine/weights/safetensors-file.ts";
import { seededRandom } from "../numerics/seeded-random.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-half-"));
});
afterAll(() => rm(folder, { recursive: true }));

const shape = [64, 1024] as const;
const count = shape[0] * shape[1];

/**
 * Elements inside and outside the range of half precision: ties, subnormals, infinities.
 */
function wideElements(): Float32Array {
  const random = seededRandom(5);
  const ties = [
    1 + 2 ** -11,
    1 + 3 * 2 ** -11,
    2 ** -24,
    2 ** -25,
    3 * 2 ** -25,
    65504,
    65519.99,
    65520,
    1e9,
  ];
  return Float32Array.from({ length: count }, (_, i) => {
    const sign = random() < 0.5 ? -1 : 1;
    return (
      sign * (ties[i] ?? (i === 100 ? Number.POSITIVE_INFINITY : (1 + random()) * 2 ** (-30 + 48 * random())))
    );
  });
}

const sources = {
  float32: ["F32", wideElements()],
  float16: ["F16", Uint16Array.from({ length: count }, (_, i) => i)],
  bfloat16: ["BF16", Uint16Array.from({ length: count }, (_, i) => i)],
} as const;

async function turning(from: keyof typeof sources, to: "float32" | "float16"): Promise<OptimizedGraph> {
  const [dtype, data] = sources[from];
  const file = join(folder, `${from}.safetensors`);
  await writeFile(file, encodeSafetensors({ w: { shape, dtype, data } }));
  const { byteOffset, byteLength } = (await openSafetensors(file)).tensors.get("w")!;
  const graph = new GraphBuilder("turning");
  const w = graph.weight("w", { dtype: from as DType, shape }, { file, byteOffset, byteLength });
  const turned = graph.reverse(graph.transpose(graph.cast(w, to), [1, 0]), 0);
  graph.output("y", graph.cast(turned, "float32"));
  return optimize(graph.build());
}

it.each([
  ["float32", "float32"],
  ["float32", "float16"],
  ["float16", "float16"],
  ["float16", "float32"],
  ["bfloat16", "float16"],
  ["bfloat16", "float32"],
] as const)("weights in %s rotated in %s equal the runtime's result bit for bit", async (from, to) => {
  const graph = await turning(from, to);
  const cpu = { device: "cpu", threads: 1, root: folder } as const;
  const cache = new ModelCache({ folder: join(folder, from, to), least: 0 });
  const runs: Float32Array[] = [];
  for (const options of [undefined, cache]) {
    const session = options
      ? await options.serve(graph, (stored) => {
          expect(stored.size).toBe(1);
          return Session.create(graph, { ...cpu, stored });
        })
      : await Session.create(graph, cpu);
    runs.push((await session.run({})).y!);
    await session.dispose();
  }
  expect(await readdir(join(folder, from, to, "kernels"))).toHaveLength(2);
  const [plain, kept] = runs as [Float32Array, Float32Array];
  const [plainBits, keptBits] = [new Uint32Array(plain.buffer), new Uint32Array(kept.buffer)];
  // A NaN stays a NaN; its bits are not specified.
  const differing = plain.findIndex((x, i) =>
    Number.isNaN(x) ? !Number.isNaN(kept[i]) : plainBits[i] !== keptBits[i],
  );
  expect(differing).toBe(-1);
});
