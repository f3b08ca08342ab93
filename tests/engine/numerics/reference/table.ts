import type { Attributes, OpType } from "../../../../engine/graph/operators.ts";
import type { Tensor64 } from "./tensor64.ts";

/** An operator's outputs from its inputs, in float64, directly by its definition. */
export type ReferenceRule<Op extends OpType> = (
  inputs: readonly Tensor64[],
  attributes: Attributes<Op>,
) => readonly Tensor64[];

/** A part of the table: one family of operators. */
export type ReferenceRules<Op extends OpType = OpType> = { readonly [P in Op]: ReferenceRule<P> };
