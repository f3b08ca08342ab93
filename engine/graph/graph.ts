import type { Attributes, OpType } from "./operators.ts";
import type { Value } from "./value.ts";

/** One application of an operator. `Op` is kept in the type, so a rule for `Conv` sees `Conv`'s attributes. */
export interface GraphNode<Op extends OpType = OpType> {
  readonly op: Op;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes<Op>;
}

/** A whole program: nodes in an order in which each value is made before it is used. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly nodes: readonly GraphNode[];
  /** Output values by the name the caller asks for. */
  readonly outputs: ReadonlyMap<string, Value>;
}
