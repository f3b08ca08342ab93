import type { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import type { Value } from "../../../engine/graph/value.ts";

/** softmax(q·kᵀ/√d)·v over heads, from q [N, H, T, d], k and v [N, H, S, d]. */
export function attention(graph: GraphBuilder, q: Value, k: Value, v: Value): Value {
  const scores = graph.matmul(q, k, { transB: true, alpha: 1 / Math.sqrt(q.shape.at(-1)!) });
  return graph.matmul(graph.softmax(scores), v);
}

/** Group normalization of x [N, C, H, W] as Reshape → LayerNormalization, with weight and bias [C]. */
export function groupNorm(graph: GraphBuilder, x: Value, groups: number, weight: Value, bias: Value): Value {
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const grouped = graph.reshape(x, [n, groups, (c / groups) * h * w]);
  const normal = graph.reshape(graph.layerNormalization(grouped, 1e-5), x.shape);
  const perChannel = (value: Value) => graph.reshape(value, [c, 1, 1]);
  return graph.add(graph.mul(normal, perChannel(weight)), perChannel(bias));
}
