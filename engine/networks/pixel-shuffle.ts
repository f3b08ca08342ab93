import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";

/**
 * torch's pixel_unshuffle: [N, C, H, W] → [N, C·p², H/p, W/p]; channel c·p² + i·p + j is pixel (i, j) of
 * each p × p patch.
 */
export function pixelUnshuffle(graph: GraphBuilder, x: Value, p: number): Value {
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const split = graph.reshape(x, [n, c, h / p, p, w / p, p]);
  return graph.reshape(graph.transpose(split, [0, 1, 3, 5, 2, 4]), [n, c * p * p, h / p, w / p]);
}

/** torch's pixel_shuffle, its inverse: [N, C·p², h, w] → [N, C, h·p, w·p]. */
export function pixelShuffle(graph: GraphBuilder, x: Value, p: number): Value {
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const split = graph.reshape(x, [n, c / (p * p), p, p, h, w]);
  return graph.reshape(graph.transpose(split, [0, 1, 4, 2, 5, 3]), [n, c / (p * p), h * p, w * p]);
}
