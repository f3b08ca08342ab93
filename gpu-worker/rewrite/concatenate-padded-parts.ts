import type { GraphNode } from "../graph/value.ts";
import { isNode, rewriteRule } from "./rewrite-rule.ts";

interface Found {
  /** [a, 0] and [0, b], the part with the zeros behind it first. */
  readonly first: GraphNode<"Pad">;
  readonly second: GraphNode<"Pad">;
}

/**
 * [a, 0] + [0, b] → [a, b]. The derivative of a value that is cut in two (a gated feed-forward's halves, a block's scale
 * and shift) pads each half's cotangent with zeros and adds: three passes over memory where one will do.
 */
export const concatenatePaddedParts = rewriteRule<Found>({
  name: "padded parts",
  pattern: (node, scene) => {
    if (!isNode(node, "Add")) return null;
    const [a, b] = node.inputs.map((input) => scene.producer(input));
    if (!isNode(a, "Pad") || !isNode(b, "Pad")) return null;
    return a.attributes.before === 0 ? { first: a, second: b } : { first: b, second: a };
  },
  check: ({ first, second }) => {
    const { axis } = first.attributes;
    if (second.attributes.axis !== axis) return `axes ${axis} and ${second.attributes.axis} are padded`;
    const [left, right] = [first.inputs[0]!.shape[axis]!, second.inputs[0]!.shape[axis]!];
    const fits =
      first.attributes.before === 0 &&
      first.attributes.after === right &&
      second.attributes.before === left &&
      second.attributes.after === 0;
    if (!fits) return `the parts overlap or leave a gap on axis ${axis}`;
    return first.inputs[0]!.shape.every(
      (size, other) => other === axis || size === second.inputs[0]!.shape[other],
    )
      ? null
      : "one part repeats along another axis";
  },
  rewrite: ({ first, second }, graph) =>
    graph.concat([first.inputs[0]!, second.inputs[0]!], first.attributes.axis),
});
