import type { Graph, GraphNode } from "../graph/graph.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import { sameShape, type Value } from "../graph/value.ts";
import { type OptimizedGraph, optimize } from "./optimize.ts";
import { readElsewhere, readersOf } from "./readers.ts";
import { applyRules, isNode, type RewriteRule, rewriteRule, type Scene } from "./rewrite-rule.ts";

/**
 * Width of a head above which onnxruntime's fused kernel is slower on a CPU: 1.3 × the time for the
 * autoencoder's single head of 512, 0.9 × to 0.98 × for the UNet's of 24 to 160.
 */
const widestHead = 256;

/**
 * On CUDA the widths of a head must be multiples of this and at most {@link widestHead}. For others the kernel
 * holds all the scores (onnxruntime/contrib_ops/cuda/bert/multihead_attention.cc, flash_attention/flash_api.h,
 * cutlass_fmha/memory_efficient_attention.h).
 */
const cudaHeadMultiple = 8;

/** One product P·V with P = softmax(α·Q·Kᵀ), for all queries or for a slice of them. */
interface Piece {
  readonly queries: Value;
  readonly keys: Value;
  readonly values: Value;
  readonly scale: number;
  /** Rows of the queries. */
  readonly start: number;
  readonly end: number;
  /** Values that only this piece may read, because they no longer exist afterwards. */
  readonly inner: readonly Value[];
}

interface Found {
  readonly pieces: readonly Piece[];
  /** The result in heads, [B, H, L, e]. */
  readonly mixed: Value;
}

/**
 * Attention written as products and a softmax, on heads split from [B, L, H·d] → one `MultiHeadAttention`,
 * which never holds all scores at once. Attention with a mask stays as it is, and so does attention whose
 * scores are read elsewhere: in a graph with its derivative, the backward pass needs the weights.
 *
 * On a GPU nothing is fused: onnxruntime 1.30's WebGPU kernel gives wrong results on a software adapter. On CUDA
 * the rule is one of `cuda-rewrites.ts`.
 */
export function fuseAttention(graph: OptimizedGraph, where: "cpu" | "gpu" = "cpu"): OptimizedGraph {
  if (where === "gpu") return graph;
  const { graph: rewritten, applied } = applyRules(graph, [fusedAttention(graph)]);
  return applied ? optimize(rewritten) : graph;
}

/** The rule behind {@link fuseAttention}, for one graph. */
export function fusedAttention(graph: Graph, where: "cpu" | "cuda" = "cpu"): RewriteRule {
  const readers = readersOf(graph);
  return rewriteRule<Found>({
    name: "fused attention",
    pattern: (node, scene) => {
      if (!joinsHeads(node)) return null;
      const mixed = node.inputs[0]!;
      const made = scene.producer(mixed);
      const parts = isNode(made, "Concat") && made.attributes.axis === 2 ? made.inputs : [mixed];
      const pieces = parts.map((part) => bindPiece(part, scene));
      return pieces.every((piece) => piece !== null) ? { pieces, mixed } : null;
    },
    check: ({ pieces, mixed }) => {
      const [first] = pieces as readonly [Piece];
      const [, heads, length, width] = mixed.shape as readonly [number, number, number, number];
      const held = readElsewhere(readers, [mixed, ...pieces.flatMap(({ inner }) => inner)]);
      if (held) return held;
      const { queries, keys, values, scale } = first;
      const agree = (piece: Piece, index: number) =>
        piece.queries === queries &&
        piece.keys === keys &&
        piece.values === values &&
        piece.scale === scale &&
        piece.start === (pieces[index - 1]?.end ?? 0);
      if (!pieces.every(agree) || pieces.at(-1)!.end !== length)
        return "the pieces are not consecutive queries on the same keys and values";
      if (queries.shape[2] !== length) return "some queries are left out";
      const headsOf = ({ shape }: Value) => [shape[0]!, shape[1]!];
      if ([keys, values].some((value) => !sameShape(headsOf(value), headsOf(queries))))
        return `keys or values are shared by the ${heads} heads or by the batch`;
      const widths = [width, queries.shape[3]!];
      const odd = where === "cuda" ? widths.find((each) => each % cudaHeadMultiple) : undefined;
      if (odd) return `CUDA has no fused kernel for a head of ${odd}`;
      const widest = Math.max(...widths);
      return widest > widestHead ? `a head of ${widest} is faster as products` : null;
    },
    rewrite: ({ pieces: [first], mixed }, graph) => {
      const { queries, keys, values, scale } = first!;
      const heads = queries.shape[1]!;
      const [q, k, v] = [queries, keys, values].map((value) => withJoinedHeads(value, graph));
      const joined = graph.multiHeadAttention(q!, k!, v!, { heads, scale });
      const [batch, , length, width] = mixed.shape as readonly [number, number, number, number];
      return graph.reshape(joined, [batch, length, heads, width]);
    },
  });
}

/** [B, H, L, d] → [B, L, H, d]. */
function joinsHeads(node: GraphNode | undefined): node is GraphNode<"Transpose"> {
  return isNode(node, "Transpose") && sameShape(node.attributes.permutation, [0, 2, 1, 3]);
}

function bindPiece(mixed: Value, scene: Scene): Piece | null {
  const product = scene.producer(mixed);
  if (!isNode(product, "MatMul") || !isPlain(product)) return null;
  const [weights, values] = product.inputs as readonly [Value, Value];
  const softmax = scene.producer(weights);
  if (!isNode(softmax, "Softmax")) return null;
  const scores = softmax.inputs[0]!;
  const asked = scene.producer(scores);
  if (!isNode(asked, "MatMul") || asked.attributes.transA || !asked.attributes.transB) return null;
  const [some, keys] = asked.inputs as readonly [Value, Value];
  const slice = scene.producer(some);
  const isSlice = isNode(slice, "Slice") && slice.attributes.axis === 2 && !slice.attributes.reverse;
  const queries = isSlice ? slice.inputs[0]! : some;
  return {
    queries,
    keys,
    values,
    scale: asked.attributes.alpha,
    start: isSlice ? slice.attributes.start : 0,
    end: isSlice ? slice.attributes.end : some.shape[2]!,
    inner: [...(isSlice ? [some] : []), scores, weights, mixed],
  };
}

function isPlain({ attributes: { transA, transB, alpha } }: GraphNode<"MatMul">): boolean {
  return !transA && !transB && alpha === 1;
}

/** [B, H, L, d] → [B, L, H·d]; the transposition folds with the one that split the heads. */
function withJoinedHeads(value: Value, graph: GraphBuilder): Value {
  const [batch, heads, length, width] = value.shape as readonly [number, number, number, number];
  return graph.reshape(graph.transpose(value, [0, 2, 1, 3]), [batch, length, heads * width]);
}
