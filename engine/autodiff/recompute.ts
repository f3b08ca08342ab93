import type { GraphNode } from "../graph/graph.ts";
import type { GraphBuilder, Segment, SegmentKind } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";

/**
 * Forgets what the marked segments compute inside and computes it again on the way back (Chen et al. 2016, "Training deep
 * nets with sublinear memory cost"): between the two passes only what leaves a segment is held.
 *
 * The second computation waits, by `After`, for the cotangent of the segment's result. So the runtime cannot move it
 * forward to where the values would be held all the same, and no pass can merge it with the first.
 */
export class Recomputation {
  readonly #graph: GraphBuilder;
  /** The innermost of the chosen segments that a node lies in, first; outer ones behind it. */
  readonly #around = new Map<GraphNode, Segment[]>();
  readonly #entered = new Set<Segment>();
  readonly #again = new Map<Value, Value>();
  /** Where each value is read last, by the place of the reading node. */
  readonly #lastRead = new Map<Value, number>();
  readonly #place = new Map<GraphNode, number>();

  constructor(graph: GraphBuilder, kinds: readonly SegmentKind[]) {
    this.#graph = graph;
    for (const [place, node] of graph.nodes.entries()) {
      this.#place.set(node, place);
      for (const input of node.inputs) this.#lastRead.set(input, place);
    }
    for (const output of graph.outputs.values()) this.#lastRead.set(output, Number.POSITIVE_INFINITY);
    // Inner segments end before the ones around them, so they come first.
    for (const segment of graph.segments)
      if (kinds.includes(segment.kind))
        for (const node of segment.nodes)
          this.#around.set(node, [...(this.#around.get(node) ?? []), segment]);
  }

  /** The node as the derivative rules are to see it, now that the cotangent of its result is known. */
  seen(node: GraphNode, cotangent: Value): GraphNode {
    for (const segment of (this.#around.get(node) ?? []).toReversed())
      if (!this.#entered.has(segment)) this.#enter(segment, cotangent);
    return { ...node, inputs: node.inputs.map(this.#current), outputs: node.outputs.map(this.#current) };
  }

  readonly #current = (value: Value): Value => this.#again.get(value) ?? value;

  #enter(segment: Segment, cotangent: Value): void {
    this.#entered.add(segment);
    const end = this.#place.get(segment.nodes.at(-1)!)!;
    const copies = new Map<Value, Value>();
    const operand = (value: Value): Value => {
      const known = copies.get(value);
      if (known) return known;
      const { kind } = value.origin;
      if (kind === "weight" || kind === "constant") return value;
      const late = this.#graph.after(this.#current(value), cotangent);
      copies.set(value, late);
      return late;
    };
    for (const { op, inputs, attributes, outputs } of segment.nodes) {
      const made = this.#graph.node(op, inputs.map(operand) as never, attributes as never);
      for (const [index, output] of outputs.entries()) copies.set(output, made[index]!);
    }
    // What is read behind the segment is held anyway.
    for (const { outputs } of segment.nodes)
      for (const output of outputs)
        if ((this.#lastRead.get(output) ?? -1) <= end) this.#again.set(output, copies.get(output)!);
  }
}
