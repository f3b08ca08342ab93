import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { narrowToFloat16 } from "../../../engine/graph/half-precision.ts";
import { ModelCache } from "../../../engine/model-cache/model-cache.ts";
import { type OptimizedGraph, optimize } from "../../../engine/rewrite/optimize.ts";
import { Session } from "../../../engine/runtime/session.ts";
import { encodeSafetensors, openSafetensors } from "../../../engine/weights/safetensors-file.ts";
import { seededRandom } from "../numerics/seeded-random.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-int8-"));
});
afterAll(() => rm(folder, { recursive: true }));

const shape = [24, 16, 3, 3] as const;

/** Output channels 0 and 1 are zeros, and ties at a scale of 1; the others are of every size. */
function elements(): Float32Array {
  const random = seededRandom(7);
  const perChannel = 16 * 9;
  return Float32Array.from({ length: 24 * perChannel }, (_, i) => {
    const [channel, k] = [Math.floor(i / perChannel), i % perChannel];
    if (channel === 0) return 0;
    if (channel === 1) return k === 0 ? 63 : (k % 120) - 59.5;
    return (random() - 0.5) * 2 ** (channel - 12);
  });
}

async function quantizing(dtype: "float32" | "float16"): Promise<OptimizedGraph> {
  const wide = elements();
  const half = new Uint16Array(wide.length);
  narrowToFloat16(wide, half);
  const file = join(folder, `${dtype}.safetensors`);
  const stored = dtype === "float32" ? { dtype: "F32", data: wide } : { dtype: "F16", data: half };
  await writeFile(file, encodeSafetensors({ w: { shape, ...stored } as never }));
  const { byteOffset, byteLength } = (await openSafetensors(file)).tensors.get("w")!;
  const graph = new GraphBuilder("quantizing");
  const w = graph.weight("w", { dtype, shape }, { file, byteOffset, byteLength });
  const kernels = graph.transpose(graph.cast(w, "float32"), [2, 3, 1, 0]);
  const [integers, scales] = graph.quantizeWeight(kernels);
  graph.output("integers", graph.cast(integers, "float32"));
  graph.output("scales", graph.mul(scales, 1));
  return optimize(graph.build());
}

it.each(["float32", "float16"] as const)(
  "weights in %s are quantized once, with the runtime's bits",
  async (dtype) => {
    const graph = await quantizing(dtype);
    const cpu = { device: "cpu", threads: 1, root: folder } as const;
    const cacheFolder = join(folder, dtype);
    const run = async (session: Session) => {
      const made = await session.run({});
      await session.dispose();
      return made;
    };
    const plain = await run(await Session.create(graph, cpu));
    for (const time of ["written", "read"]) {
      const kept = await new ModelCache({ folder: cacheFolder, least: 0 }).serve(graph, (stored) => {
        expect(stored.size, time).toBe(2);
        return Session.create(graph, { ...cpu, stored });
      });
      expect(await run(kept), time).toEqual(plain);
    }
    expect(await readdir(join(cacheFolder, "kernels"))).toHaveLength(2);
    expect([Math.max(...plain.integers!), Math.min(...plain.integers!)]).toEqual([63, -63]);
    // Ties go to the even integer: −59.5, −58.5, −57.5 and −56.5, after the channel's first element.
    expect([1, 2, 3, 4].map((k) => plain.integers![kernelIndex(k) * 24 + 1])).toEqual([-58, -58, -56, -56]);
    expect(plain.scales![1]).toBe(1);
  },
);

/** Row of element k of a channel, [C, kH, kW], among the rows [kH, kW, C]. */
function kernelIndex(k: number): number {
  return (k % 9) * 16 + Math.floor(k / 9);
}
