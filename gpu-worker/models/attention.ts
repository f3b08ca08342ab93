import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";

/**
 * softmax(q·kᵀ/√d)·v in `heads` parallel heads (Vaswani et al. 2017).
 *
 * @param q [B, L, heads·d] @param k [B, S, heads·d] @param v [B, S, heads·d]
 * @param mask added to the scores, broadcast to [B, heads, L, S]
 * @returns [B, L, heads·d]
 */
export function multiHeadAttention(
  graph: GraphBuilder,
  q: Value,
  k: Value,
  v: Value,
  heads: number,
  mask?: Value,
): Value {
  const [batch, length, width] = q.shape as readonly [number, number, number];
  const split = (x: Value) =>
    graph.transpose(graph.reshape(x, [x.shape[0]!, x.shape[1]!, heads, width / heads]), [0, 2, 1, 3]);
  const scores = graph.matmul(split(q), split(k), { transB: true, alpha: 1 / Math.sqrt(width / heads) });
  const probabilities = graph.softmax(mask ? graph.add(scores, mask) : scores);
  const mixed = graph.matmul(probabilities, split(v));
  return graph.reshape(graph.transpose(mixed, [0, 2, 1, 3]), [batch, length, width]);
}
