import type { Graph } from "../../../engine/graph/graph.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";
import { type HostTensor, Session } from "../../../engine/runtime/session.ts";
import { decomposeCuda } from "./decompose-cuda.ts";

/**
 * Loads a graph on one CPU thread, runs it once and disposes of it. Operators that only the CUDA provider has
 * run as several of ONNX's. `root` is the folder of its weight files, if any.
 */
export async function runOnCpu(
  graph: Graph,
  feeds: Readonly<Record<string, HostTensor>>,
  root = "/",
): Promise<Record<string, Float32Array>> {
  const session = await Session.create(optimize(decomposeCuda(graph)), { device: "cpu", threads: 1, root });
  try {
    return await session.run(feeds);
  } finally {
    await session.dispose();
  }
}
