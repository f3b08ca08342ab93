import type { GraphNode } from "../graph/graph.ts";
import type { GraphBuilder, Segment, SegmentKind } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";

/**
 * Discards the inner values of the marked segments and computes them again in the backward pass (Chen et al.
 * 2016, "Training deep nets with sublinear memory cost"). Between the passes only the segments' results are
 * held.
 *
 * The second computation depends, through `After`, on the cotangent of the segment's result. The runtime
 * therefore cannot run it early, and no pass can merge it with the first.
 */
export class Recomputation {
  readonly #graph: GraphBuilder;
  /** The selected segments that contain a node, innermost first. */
  readonly #around = new Map<GraphNode, Segment[]>();
  readonly #entered = new Set<Segment>();
  readonly #again = new Map<Value, Value>();
  /** Index of the last node that reads each value. */
  readonly #lastRead = new Map<Value, number>();
  readonly #place = new Map<GraphNode, number>();

  constructor(graph: GraphBuilder, kinds: readonly SegmentKind[]) {
    this.#graph = graph;
    for (const [place, node] of graph.nodes.entries()) {
      this.#place.set(node, place);
      for (const input of node.inputs) this.#lastRead.set(input, place);
    }
    for (const output of graph.outputs.values()) this.#lastRead.set(output, Number.POSITIVE_INFINITY);
    // Inner segments end before outer ones, so they come first.
    for (const segment of graph.segments)
      if (kinds.includes(segment.kind))
        for (const node of segment.nodes)
          this.#around.set(node, [...(this.#around.get(node) ?? []), segment]);
  }

  /**
   * The node to pass to its derivative rule: the original, or its recomputed copy. `cotangent` is that of its
   * result.
   */
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
    // Values that are read after the segment are held in any case.
    for (const { outputs } of segment.nodes)
      for (const output of outputs)
        if ((this.#lastRead.get(output) ?? -1) <= end) this.#again.set(output, copies.get(output)!);
  }
}
