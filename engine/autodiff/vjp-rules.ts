import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Attributes, Inputs, OpType } from "../graph/operators.ts";
import type { FloatType, Value } from "../graph/value.ts";
import { convInputGradient, convTransposeWeightGradient, convWeightGradient } from "./conv-gradients.ts";

/** Input of a derivative rule. */
export interface Local<Op extends OpType> {
  /** The graph to which the derivative is appended. */
  readonly graph: GraphBuilder;
  readonly inputs: Inputs<Op>;
  readonly attributes: Attributes<Op>;
  /** The first output; rules reuse it if the derivative has a form in y. */
  readonly y: Value;
  /** All outputs. Those after the first are statistics saved by the forward pass. */
  readonly outputs: readonly Value[];
  /** ∂loss/∂y, of y's shape. */
  readonly dy: Value;
}

/** One cotangent for each input; `null` if the input has no gradient (ids). */
type Cotangents<In extends readonly unknown[]> = { readonly [K in keyof In]: Value | null };

/**
 * A vector–Jacobian product: ∂loss/∂inputs from ∂loss/∂y. A cotangent may have the broadcast shape;
 * `gradient` sums it to the input's shape. `"zero gradient"` means that the function is flat almost
 * everywhere, `"none"` that its graphs are never differentiated.
 */
type VjpRule<Op extends OpType> = (local: Local<Op>) => Cotangents<Inputs<Op>>;
type VjpRules = { readonly [Op in OpType]: VjpRule<Op> | "zero gradient" | "none" };

export const vjpRules: VjpRules = {
  Add: ({ dy }) => [dy, dy],
  Sub: ({ graph, dy }) => [dy, graph.neg(dy)],
  // d(ab) = b·da + a·db
  Mul: ({ graph, inputs: [a, b], dy }) => [graph.mul(dy, b), graph.mul(dy, a)],
  // d(a/b) = da/b − (a/b)·db/b
  Div: ({ graph, inputs: [, b], y, dy }) => {
    const da = graph.div(dy, b);
    return [da, graph.neg(graph.mul(da, y))];
  },

  Neg: ({ graph, dy }) => [graph.neg(dy)],
  // d(eˣ) = eˣ·dx
  Exp: ({ graph, y, dy }) => [graph.mul(dy, y)],
  // d(√x) = dx / 2√x
  Sqrt: ({ graph, y, dy }) => [graph.div(graph.mul(dy, 0.5), y)],
  // d(1/x) = −dx/x²
  Reciprocal: ({ graph, y, dy }) => [graph.neg(graph.mul(dy, graph.mul(y, y)))],
  Sin: ({ graph, inputs: [x], dy }) => [graph.mul(dy, graph.cos(x))],
  Cos: ({ graph, inputs: [x], dy }) => [graph.neg(graph.mul(dy, graph.sin(x)))],
  // d(tanh x) = (1 − y²)·dx
  Tanh: ({ graph, y, dy }) => [graph.mul(dy, graph.sub(1, graph.mul(y, y)))],
  // d(erf x) = 2/√π · e^(−x²)·dx
  Erf: ({ graph, inputs: [x], dy }) => [
    graph.mul(graph.mul(dy, 2 / Math.sqrt(Math.PI)), graph.exp(graph.neg(graph.mul(x, x)))),
  ],
  // d(max(x, 0)) = [x > 0]·dx; the bounds are float32's smallest normal and largest numbers.
  Relu: ({ graph, inputs: [x], dy }) => [
    graph.mul(dy, graph.inRange(x, 2 ** -126, (2 - 2 ** -23) * 2 ** 127)),
  ],
  // d(σ) = σ(1 − σ)·dx
  Sigmoid: ({ graph, y, dy }) => [graph.mul(dy, graph.mul(y, graph.sub(1, y)))],
  // d(xΦ(x)) = (Φ(x) + x·φ(x))·dx
  Gelu: ({ graph, inputs: [x], dy }) => {
    const cumulative = graph.mul(graph.add(graph.erf(graph.mul(x, Math.SQRT1_2)), 1), 0.5);
    const density = graph.mul(graph.exp(graph.mul(graph.mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return [graph.mul(dy, graph.add(cumulative, graph.mul(x, density)))];
  },
  // d(xσ(αx)) = (σ + αy(1 − σ))·dx
  QuickGelu: ({ graph, inputs: [x], attributes: { alpha }, y, dy }) => {
    const gate = graph.sigmoid(alpha === 1 ? x : graph.mul(x, alpha));
    const scaled = alpha === 1 ? y : graph.mul(y, alpha);
    return [graph.mul(dy, graph.add(gate, graph.mul(scaled, graph.sub(1, gate))))];
  },
  Clip: ({ graph, inputs: [x], attributes: { min, max }, dy }) => [graph.mul(dy, graph.inRange(x, min, max))],
  InRange: "zero gradient",
  Cast: ({ graph, inputs: [x], dy }) => [graph.cast(dy, floatTypeOf(x))],

  // Y = α·A·B: dA = α·dY·Bᵀ, dB = α·Aᵀ·dY; a transposed operand gets the transposed product.
  MatMul: ({ graph, inputs: [a, b], attributes: { transA, transB, alpha }, dy }) => [
    transA
      ? graph.matmul(b, dy, { transA: transB, transB: true, alpha })
      : graph.matmul(dy, b, { transB: !transB, alpha }),
    transB
      ? graph.matmul(dy, a, { transA: true, transB: transA, alpha })
      : graph.matmul(a, dy, { transA: !transA, alpha }),
  ],
  Conv: ({ graph, inputs, attributes, dy }) => {
    const [x, w] = inputs;
    const dx = convInputGradient(graph, x, w, attributes, dy);
    const dw = convWeightGradient(graph, x, w, attributes, dy);
    if (inputs.length === 2) return [dx, dw];
    return [dx, dw, graph.reshape(graph.reduceSum(dy, [0, 2, 3]), inputs[2].shape)];
  },
  // The adjoint of Conv: dx is the Conv itself, and dw swaps the roles of x and dy.
  ConvTranspose: ({ graph, inputs: [x, w], attributes, dy }) => [
    graph.conv(dy, w, undefined, attributes),
    convTransposeWeightGradient(graph, x, w, attributes, dy),
  ],

  // With P = softmax(α·Q·Kᵀ) per head: dV = Pᵀ·dY, dS = P∘(dP − Σ dP∘P) for dP = dY·Vᵀ, dQ = α·dS·K, dK =
  // α·dSᵀ·Q. P is computed again, because the operator does not return it.
  MultiHeadAttention: ({ graph, inputs, attributes: { heads, scale: alpha }, dy }) => {
    const byHead = (x: Value) => {
      const [batch, length, width] = x.shape as readonly [number, number, number];
      return graph.transpose(graph.reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
    };
    const joined = (x: Value, like: Value) => graph.reshape(graph.transpose(x, [0, 2, 1, 3]), like.shape);
    const [q, k, v, dY] = [...inputs.map(byHead), byHead(dy)] as [Value, Value, Value, Value];
    const weights = graph.softmax(graph.matmul(q, k, { transB: true, alpha }));
    const dP = graph.matmul(dY, v, { transB: true });
    const sums = graph.reduceSum(graph.mul(dP, weights), [3]);
    const dS = graph.mul(weights, graph.sub(dP, sums));
    return [
      joined(graph.matmul(dS, k, { alpha }), inputs[0]),
      joined(graph.matmul(dS, q, { transA: true, alpha }), inputs[1]),
      joined(graph.matmul(weights, dY, { transA: true }), inputs[2]),
    ];
  },
  NhwcConv: "none",
  GroupNorm: "none",
  BiasSplitGelu: "none",
  QuantizeWeight: "none",
  DynamicQuantizeMatMul: "none",
  DynamicQuantizeConv: "none",
  // dx = y·(dy − Σ dy·y)
  Softmax: ({ graph, y, dy }) => [
    graph.mul(y, graph.sub(dy, graph.reduceSum(graph.mul(dy, y), [y.shape.length - 1]))),
  ],
  // y = (x − μ)/σ: dx = (dy − mean(dy) − y·mean(dy·y))/σ, with 1/σ saved by the forward pass. Computed in
  // float32, because the means are of many values that nearly cancel.
  LayerNormalization: ({
    graph,
    inputs: [x],
    y: normalized,
    outputs: [, , inverseDeviation],
    dy: cotangent,
  }) => {
    const [y, dy] = [graph.cast(normalized, "float32"), graph.cast(cotangent, "float32")];
    const last = [y.shape.length - 1];
    const centered = graph.sub(dy, graph.reduceMean(dy, last));
    const projected = graph.mul(y, graph.reduceMean(graph.mul(dy, y), last));
    return [graph.cast(graph.mul(graph.sub(centered, projected), inverseDeviation!), floatTypeOf(x))];
  },
  ReduceSum: ({ graph, inputs: [x], dy }) => [graph.expand(dy, x.shape)],
  ReduceMean: ({ graph, inputs: [x], attributes: { axes }, dy }) => {
    const count = axes.reduce((product, axis) => product * x.shape[axis]!, 1);
    return [graph.expand(graph.mul(dy, 1 / count), x.shape)];
  },
  // Average pooling and repetition are adjoint up to the factor k².
  AveragePool: ({ graph, attributes: { kernel }, dy }) => [
    graph.mul(graph.resize(dy, kernel), 1 / kernel ** 2),
  ],
  Resize: ({ graph, attributes: { factor }, dy }) => [graph.mul(graph.averagePool(dy, factor), factor ** 2)],

  Reshape: ({ graph, inputs: [x], dy }) => [graph.reshape(dy, x.shape)],
  Transpose: ({ graph, attributes: { permutation }, dy }) => [
    graph.transpose(
      dy,
      permutation.map((_, axis) => permutation.indexOf(axis)),
    ),
  ],
  // The caller sums over the broadcast axes.
  Expand: ({ dy }) => [dy],
  Concat: ({ graph, inputs, attributes: { axis }, dy }) => {
    let start = 0;
    return inputs.map((x) => {
      const end = start + x.shape[axis]!;
      const part = graph.slice(dy, axis, start, end);
      start = end;
      return part;
    });
  },
  Slice: ({ graph, inputs: [x], attributes: { axis, start, end, reverse }, dy }) => [
    reverse ? graph.reverse(dy, axis) : graph.pad(dy, axis, start, x.shape[axis]! - end),
  ],
  Pad: ({ graph, inputs: [x], attributes: { axis, before }, dy }) => [
    graph.slice(dy, axis, before, before + x.shape[axis]!),
  ],
  // d(table) = onehot(ids)ᵀ·dy, with the one-hot rows gathered from an identity matrix.
  Gather: ({ graph, inputs: [table, ids], dy }) => {
    const [size, width] = table.shape as readonly [number, number];
    const identity = graph.constant(identityMatrix(size), [size, size], floatTypeOf(table));
    const count = ids.shape.reduce((product, dimension) => product * dimension, 1);
    const rows = graph.reshape(graph.gather(identity, ids), [count, size]);
    return [graph.matmul(rows, graph.reshape(dy, [count, width]), { transA: true }), null];
  },

  After: ({ dy }) => [dy, null],
};

/** Other element types have no derivatives. */
function floatTypeOf({ dtype }: Value): FloatType {
  return dtype === "float16" ? "float16" : "float32";
}

function identityMatrix(size: number): Float32Array {
  const matrix = new Float32Array(size * size);
  for (let i = 0; i < size; i++) matrix[i * size + i] = 1;
  return matrix;
}
