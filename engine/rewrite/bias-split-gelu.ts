import type { Graph } from "../graph/graph.ts";
import { sameShape, type Value } from "../graph/value.ts";
import { type Readers, readElsewhere, readersOf } from "./readers.ts";
import { isNode, type RewriteRule, rewriteRule } from "./rewrite-rule.ts";

interface Found {
  /** product + bias, [N, S, D]. */
  readonly both: Value;
  readonly product: Value;
  readonly bias: Value;
  /** Start and end of the linear and of the gated half. */
  readonly halves: readonly [readonly [number, number], readonly [number, number]];
  /** Values that no longer exist afterwards, apart from `both`. */
  readonly inner: readonly Value[];
}

/** Widths D that onnxruntime's kernel is compiled for. */
const compiledWidths: readonly number[] = [2560, 5120, 6144, 10_240, 12_288];

/**
 * GEGLU's bias, halves, Gelu and product → one `BiasSplitGelu` (onnxruntime/contrib_ops/cuda/diffusion/
 * bias_split_gelu.cc).
 */
export function biasSplitGelu(graph: Graph): RewriteRule {
  const readers = readersOf(graph);
  return rewriteRule<Found>({
    name: "bias, halves and Gelu",
    pattern: (node, scene) => {
      if (!isNode(node, "Mul")) return null;
      const [linear, gate] = node.inputs as readonly [Value, Value];
      const gelu = scene.producer(gate);
      const gated = isNode(gelu, "Gelu") ? gelu.inputs[0]! : undefined;
      const slices = [linear, gated].map((half) => half && scene.producer(half));
      const [a, b] = slices;
      if (!gated || !isNode(a, "Slice") || !isNode(b, "Slice") || a.inputs[0] !== b.inputs[0]) return null;
      const both = a.inputs[0]!;
      const added = scene.producer(both);
      if (!isNode(added, "Add") || [a, b].some(({ attributes }) => attributes.axis !== 2)) return null;
      const [product, bias] = added.inputs as readonly [Value, Value];
      const halves = [a, b].map(({ attributes: { start, end } }) => [start, end]);
      return { both, product, bias, halves: halves as never, inner: [linear, gated, gate] };
    },
    check: ({ both, product, bias, halves, inner }) => {
      const width = both.shape[2]!;
      const expected = [0, width / 2, width / 2, width];
      if (!halves.flat().every((position, index) => position === expected[index])) return "the halves differ";
      if (!sameShape(product.shape, both.shape) || !sameShape(bias.shape, [width]))
        return `${bias.name} does not have one element per column`;
      if (!compiledWidths.includes(width)) return `CUDA has no kernel for a width of ${width}`;
      return bothIsReadElsewhere(readers, both) ?? readElsewhere(readers, inner);
    },
    rewrite: ({ product, bias }, graph) => graph.biasSplitGelu(product, bias),
  });
}

function bothIsReadElsewhere(readers: Readers, both: Value): string | null {
  return readers(both).length === 2 ? null : `${both.name} is read elsewhere`;
}
