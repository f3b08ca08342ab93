import type { GraphNode } from "../graph/graph.ts";
import { sameShape, type Value } from "../graph/value.ts";
import { isNode, rewriteRule, type Scene } from "./rewrite-rule.ts";

interface Found {
  /** [0, a, 0] and [0, b, 0]; the part with fewer leading zeros is first. */
  readonly first: GraphNode<"Pad">;
  readonly second: GraphNode<"Pad">;
  /** The inner parts: a, or the parts it was concatenated from. */
  readonly parts: readonly Value[];
}

/**
 * [0, a, 0] + [0, b, 0] → [0, a, b, 0], if b starts where a ends. The derivative of a value that is split (a
 * gated feed-forward's halves, a block's scale and shift, an attention's queries) pads each part's cotangent
 * with zeros and adds them, which takes several passes over memory instead of one.
 */
export const concatenatePaddedParts = rewriteRule<Found>({
  name: "padded parts",
  pattern: (node, scene) => {
    if (!isNode(node, "Add")) return null;
    const [a, b] = node.inputs.map((input) => scene.producer(input));
    if (!isNode(a, "Pad") || !isNode(b, "Pad")) return null;
    const [first, second] = a.attributes.before <= b.attributes.before ? [a, b] : [b, a];
    return { first, second, parts: [first, second].flatMap((pad) => partsOf(pad, scene)) };
  },
  check: ({ first, second }) => {
    const { axis, before, after } = first.attributes;
    if (second.attributes.axis !== axis) return `axes ${axis} and ${second.attributes.axis} are padded`;
    const [left, right] = [first.inputs[0]!.shape[axis]!, second.inputs[0]!.shape[axis]!];
    if (second.attributes.before !== before + left || after !== right + second.attributes.after)
      return `the parts overlap or leave a gap on axis ${axis}`;
    const beside = ({ inputs: [x] }: GraphNode<"Pad">) => x!.shape.with(axis, 0);
    return sameShape(beside(first), beside(second)) ? null : "one part repeats along another axis";
  },
  rewrite: ({ first, second, parts }, graph) => {
    const { axis, before } = first.attributes;
    const joined = graph.concat(parts, axis);
    const { after } = second.attributes;
    return before || after ? graph.pad(joined, axis, before, after) : joined;
  },
});

function partsOf({ inputs, attributes }: GraphNode<"Pad">, scene: Scene): readonly Value[] {
  const made = scene.producer(inputs[0]!);
  return isNode(made, "Concat") && made.attributes.axis === attributes.axis ? made.inputs : [inputs[0]!];
}
