import { VisibleError } from "../errors.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";

/**
 * Maximum number of scores held at once: 64 MiB of float32. At 64 × 64 latents a head of Stable Diffusion has
 * 4096² scores. Unsliced, they are by far the model's largest tensor and exceed the buffer size of some GPUs.
 * Slicing costs no time.
 */
const maxScores = 2 ** 24;

/**
 * softmax(q·kᵀ/√d)·v in `heads` parallel heads (Vaswani et al. 2017), with the queries sliced to limit the
 * scores.
 *
 * @param q [B, L, heads·d] @param k [B, S, heads·d] @param v [B, S, heads·d]
 * @param mask added to the scores, broadcast to [B, heads, L, S]
 * @returns [B, L, heads·d]
 * @throws VisibleError `unsupported_config` if the heads do not divide the width
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
  if (width % heads !== 0)
    throw new VisibleError(
      "unsupported_config",
      `An attention layer of width ${width} cannot have ${heads} heads of equal width; check config.json.`,
    );
  const split = (x: Value) =>
    graph.transpose(graph.reshape(x, [x.shape[0]!, x.shape[1]!, heads, width / heads]), [0, 2, 1, 3]);
  const [queries, keys, values] = [split(q), split(k), split(v)];
  const mix = (some: Value): Value =>
    graph.segment("attention", () => {
      const scores = graph.matmul(some, keys, { transB: true, alpha: 1 / Math.sqrt(width / heads) });
      return graph.matmul(graph.softmax(mask ? graph.add(scores, mask) : scores), values);
    });
  const pieces = mask ? 1 : Math.ceil((batch * heads * length * k.shape[1]!) / maxScores);
  const mixed = pieces === 1 ? mix(queries) : graph.concat(cut(graph, queries, pieces).map(mix), 2);
  return graph.reshape(graph.transpose(mixed, [0, 2, 1, 3]), [batch, length, width]);
}

/** Splits [B, heads, L, d] into `count` slices of L, all but the last of equal length. */
function cut(graph: GraphBuilder, queries: Value, count: number): Value[] {
  const length = queries.shape[2]!;
  const rows = Math.ceil(length / count);
  return Array.from({ length: Math.ceil(length / rows) }, (_, piece) =>
    graph.slice(queries, 2, piece * rows, Math.min(length, (piece + 1) * rows)),
  );
}
