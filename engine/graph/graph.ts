import type { Attributes, OpType } from "./operators.ts";
import type { Value } from "./value.ts";

/**
 * An application of an operator. `Op` is part of the type, so that a rule for `Conv` has the type of its
 * attributes.
 */
export interface GraphNode<Op extends OpType = OpType> {
  readonly op: Op;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes<Op>;
}

/** A complete graph, with nodes in topological order. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly nodes: readonly GraphNode[];
  /** Outputs by name. */
  readonly outputs: ReadonlyMap<string, Value>;
}
