import { broadcastShapes } from "../graph/broadcast.ts";
import type { GraphNode } from "../graph/graph.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { OpType } from "../graph/operators.ts";
import { elementCount, sameShape, showShape, type Value } from "../graph/value.ts";
import { isNode, type RewriteRule, rewriteRule, type Scene } from "./rewrite-rule.ts";

/** Positions of a neutral constant: x + 0, x − 0, x·1, x / 1. */
const neutral: {
  readonly [Op in OpType]?: { readonly element: number; readonly positions: readonly number[] };
} = {
  Add: { element: 0, positions: [0, 1] },
  Sub: { element: 0, positions: [1] },
  Mul: { element: 1, positions: [0, 1] },
  Div: { element: 1, positions: [1] },
};

/** x + 0 → x, x·1 → x …, unless the constant broadcasts x to a wider shape. */
const foldNeutralElement = rewriteRule<{ readonly x: Value; readonly y: Value }>({
  name: "neutral element",
  pattern: (node) => {
    const rule = neutral[node.op];
    const position = rule?.positions.find((index) => isFilledWith(node.inputs[index]!, rule.element));
    return position === undefined ? null : { x: node.inputs[1 - position]!, y: node.outputs[0]! };
  },
  check: ({ x, y }) =>
    sameShape(x.shape, y.shape)
      ? null
      : `it also repeats ${x.name} ${showShape(x.shape)} to ${showShape(y.shape)}`,
  rewrite: ({ x }) => x,
});

/** Operators that change nothing with these attributes. */
const identities: { readonly [Op in OpType]?: (node: GraphNode<Op>) => boolean } = {
  Reshape: keepsShape,
  Expand: keepsShape,
  Slice: (node) => keepsShape(node) && !node.attributes.reverse,
  Pad: keepsShape,
  Resize: keepsShape,
  Concat: (node) => node.inputs.length === 1,
  Transpose: ({ attributes }) => attributes.permutation.every((axis, index) => axis === index),
};

/** Replaces a reshape to the same shape, an identity transposition, … by its input. */
const foldIdentity = rewriteRule<Value>({
  name: "identity",
  pattern: (node) => {
    const isIdentity = identities[node.op] as ((node: GraphNode) => boolean) | undefined;
    return isIdentity?.(node) ? node.inputs[0]! : null;
  },
  check: () => null,
  rewrite: (x) => x,
});

/** Combinations of two consecutive operators of one kind; x is the input of the inner one. */
const pairs: {
  readonly [Op in OpType]?: (
    outer: GraphNode<Op>,
    inner: GraphNode<Op>,
    x: Value,
    graph: GraphBuilder,
  ) => Value;
} = {
  Reshape: ({ attributes }, _, x, graph) => graph.reshape(x, attributes.shape),
  Expand: ({ attributes }, _, x, graph) => graph.expand(x, attributes.shape),
  Transpose: (outer, inner, x, graph) =>
    graph.transpose(
      x,
      outer.attributes.permutation.map((axis) => inner.attributes.permutation[axis]!),
    ),
  Neg: (_outer, _inner, x) => x,
  // To float32 and back; see the pattern.
  Cast: (_outer, _inner, x) => x,
  // Reversals only; see the pattern.
  Slice: (_outer, _inner, x) => x,
};

/** Two consecutive reshapes, expansions or transpositions → one; two negations or reversals → none. */
const foldPair = rewriteRule<{ readonly outer: GraphNode; readonly inner: GraphNode }>({
  name: "pair",
  pattern: (outer, scene) => {
    const inner = outer.op in pairs ? scene.producer(outer.inputs[0]!) : undefined;
    const isPair =
      inner?.op === outer.op && [outer, inner].every((node) => !isPlainSlice(node)) && !isRounding(inner);
    return isPair ? { outer, inner } : null;
  },
  check: ({ outer, inner }) => {
    if (isNode(outer, "Slice") && isNode(inner, "Slice") && outer.attributes.axis !== inner.attributes.axis)
      return `different axes ${inner.attributes.axis} and ${outer.attributes.axis} are reversed`;
    const { dtype } = inner.inputs[0]!;
    if (isNode(outer, "Cast") && outer.attributes.to !== dtype)
      return `${dtype} is not restored, but becomes ${outer.attributes.to}`;
    return null;
  },
  rewrite: ({ outer, inner }, graph) => {
    const fold = pairs[outer.op] as (typeof pairs)["Neg"] & {};
    return fold(outer as GraphNode<"Neg">, inner as GraphNode<"Neg">, inner.inputs[0]!, graph);
  },
});

/** Removes an expansion of an operand that broadcasting would do anyway. */
const foldExpandedOperand = rewriteRule<{
  readonly node: GraphNode;
  readonly slim: readonly [Value, Value] | undefined;
}>({
  name: "expanded operand",
  pattern: (node, scene) => {
    if (!(node.op in neutral)) return null;
    const [a, b] = node.inputs as readonly [Value, Value];
    const [slimA, slimB] = [beforeExpand(a, scene), beforeExpand(b, scene)];
    if (slimA === a && slimB === b) return null;
    const pairs = [
      [slimA, slimB],
      [slimA, b],
      [a, slimB],
    ] as const;
    const wide = node.outputs[0]!.shape;
    const serves = ([p, q]: readonly [Value, Value]) =>
      (p !== a || q !== b) && sameShape(broadcastShapes(p.shape, q.shape, node.op), wide);
    return { node, slim: pairs.find(serves) };
  },
  check: ({ node, slim }) =>
    slim ? null : `without it the operands do not broadcast to ${showShape(node.outputs[0]!.shape)}`,
  rewrite: ({ node, slim }, graph) => graph.node(node.op as "Add", slim!, {})[0]!,
});

/**
 * A reshape of a constant → a constant of that shape; arithmetic on two scalars → the result, rounded to
 * float32.
 */
const foldConstant = rewriteRule<GraphNode>({
  name: "constant",
  pattern: (node) => {
    const isConstant = node.inputs.every(
      ({ origin, dtype }) => origin.kind === "constant" && dtype === "float32",
    );
    return isConstant && (node.op === "Reshape" || node.op in neutral) ? node : null;
  },
  check: (node) =>
    node.op === "Reshape" || elementCount(node.outputs[0]!.shape) === 1
      ? null
      : "onnxruntime folds larger constants when it loads the graph",
  rewrite: (node, graph) => {
    const { shape } = node.outputs[0]!;
    const [a, b] = node.inputs.map(constantData) as [Float32Array, Float32Array];
    return graph.constant(node.op === "Reshape" ? a : [arithmetic[node.op as "Add"](a[0]!, b[0]!)], shape);
  },
});

export const foldTrivial: readonly RewriteRule[] = [
  foldIdentity,
  foldPair,
  foldConstant,
  foldNeutralElement,
  foldExpandedOperand,
];

const arithmetic = {
  Add: (a: number, b: number) => a + b,
  Sub: (a: number, b: number) => a - b,
  Mul: (a: number, b: number) => a * b,
  Div: (a: number, b: number) => a / b,
} as const;

/** A cast that loses precision. */
function isRounding(node: GraphNode): boolean {
  return isNode(node, "Cast") && node.attributes.to === "float16";
}

function isPlainSlice(node: GraphNode): boolean {
  return isNode(node, "Slice") && !node.attributes.reverse;
}

function keepsShape(node: GraphNode): boolean {
  return sameShape(node.inputs[0]!.shape, node.outputs[0]!.shape);
}

function isFilledWith(value: Value, element: number): boolean {
  return (
    value.dtype !== "int64" &&
    value.origin.kind === "constant" &&
    constantData(value).every((x) => x === element)
  );
}

function constantData({ origin }: Value): Float32Array {
  return origin.kind === "constant" ? (origin.data as Float32Array) : new Float32Array();
}

function beforeExpand(value: Value, scene: Scene): Value {
  const node = scene.producer(value);
  return isNode(node, "Expand") ? node.inputs[0]! : value;
}
