import { createHash } from "node:crypto";
import { lossGraph } from "../../../engine/inversion/loss-graph.ts";
import type { ModelCacheOptions } from "../../../engine/model-cache/model-cache.ts";
import type { ModelFolder } from "../../../engine/pipeline/model-folder.ts";
import { openPipeline } from "../../../engine/pipeline/pipeline.ts";
import { type OptimizedGraph, optimize } from "../../../engine/rewrite/optimize.ts";
import { randomArray, seedOf } from "../numerics/seeded-random.ts";

/** A learning step's graph: loss and gradient at `side` × `side` latents. */
export function stepGraph(model: ModelFolder, side = 8): OptimizedGraph {
  const graph = lossGraph(model, {
    batch: 1,
    height: side,
    width: side,
    tokens: 3,
    space: "text",
    textGuidance: 7.5,
    mseWeight: 4,
    clipWeight: 0.1,
  });
  return optimize(graph);
}

export interface Step {
  /** Hash of all bits of the loss and its gradient. */
  readonly bits: string;
  readonly gradient: Float32Array;
  /** Hash of the model's weights. */
  readonly weightHash: string;
}

/** Computes one step with a new pipeline. */
export async function stepOf(folder: string, cache?: ModelCacheOptions, side?: number): Promise<Step> {
  const pipeline = await openPipeline(folder, { device: "cpu", threads: 1, ...(cache ? { cache } : {}) });
  try {
    const graph = stepGraph(pipeline.model, side);
    const feeds = graph.inputs.map(({ name, shape }) => [
      name,
      randomArray(
        shape.reduce((product, size) => product * size, 1),
        seedOf(name),
        -1,
        1,
      ),
    ]);
    const session = await pipeline.session("step", () => graph);
    const { loss, gradient } = await session.run({
      ...Object.fromEntries(feeds),
      timesteps: Float32Array.of(500),
    });
    const hash = createHash("sha256").update(new Uint8Array(loss!.buffer));
    const bits = hash.update(new Uint8Array(gradient!.buffer)).digest("hex");
    return { bits, gradient: gradient!, weightHash: pipeline.weightHash };
  } finally {
    await pipeline.dispose();
  }
}
