import { InternalError } from "../errors.ts";
import { broadcastShapes } from "./broadcast.ts";
import type { Attributes, Inputs, OpType } from "./operators.ts";
import { type DType, elementCount, type Shape, sameShape, showShape, type Value } from "./value.ts";

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Computes the types of an operator's outputs, or throws an error that names the operator and the shapes. */
type ShapeRule<Op extends OpType> = (inputs: Inputs<Op>, attributes: Attributes<Op>) => readonly TensorType[];

const same = ([x]: readonly [Value]): TensorType[] => [{ dtype: x.dtype, shape: x.shape }];

const broadcast =
  (op: OpType) =>
  ([a, b]: readonly [Value, Value]): TensorType[] => {
    if (a.dtype !== b.dtype) refuse(op, `operands are ${a.dtype} and ${b.dtype}`, a, b);
    return [{ dtype: a.dtype, shape: broadcastShapes(a.shape, b.shape, `${op}(${a.name}, ${b.name})`) }];
  };

const reduce =
  (op: OpType) =>
  ([x]: readonly [Value], { axes }: { axes: readonly number[] }): TensorType[] => {
    // ONNX would reduce over all axes if none are given.
    if (!axes.length || axes.some((axis) => x.shape[axis] === undefined))
      refuse(op, `has no axes [${axes}]`, x);
    return [{ dtype: x.dtype, shape: x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)) }];
  };

export const shapeRules: { readonly [Op in OpType]: ShapeRule<Op> } = {
  Add: broadcast("Add"),
  Sub: broadcast("Sub"),
  Mul: broadcast("Mul"),
  Div: broadcast("Div"),
  Neg: same,
  Exp: same,
  Sqrt: same,
  Reciprocal: same,
  Sin: same,
  Cos: same,
  Tanh: same,
  Erf: same,
  Relu: same,
  Sigmoid: same,
  Gelu: same,
  QuickGelu: same,
  Clip: same,
  InRange: same,
  Cast: ([x], { to }) => [{ dtype: to, shape: x.shape }],

  MatMul: ([a, b], { transA, transB }) => {
    if (a.shape.length < 2 || b.shape.length < 2)
      refuse("MatMul", "both operands need two axes or more", a, b);
    oneType("MatMul", a, b);
    const [m, k] = lastTwo(a.shape, transA);
    const [k2, n] = lastTwo(b.shape, transB);
    if (k !== k2) refuse("MatMul", `inner sizes ${k} and ${k2} differ`, a, b);
    const lead = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2), `MatMul(${a.name}, ${b.name})`);
    return [{ dtype: a.dtype, shape: [...lead, m, n] }];
  },
  Conv: ([x, w, b], attributes) => {
    const [n, c, h, width] = four("Conv", x);
    const [m, wc, kh, kw] = four("Conv", w);
    oneType("Conv", x, w, ...(b ? [b] : []));
    if (c !== wc) refuse("Conv", `input has ${c} channels, weight takes ${wc}`, x, w);
    if (b && !sameShape(b.shape, [m])) refuse("Conv", `bias does not have ${m} elements`, w, b);
    const sizes = convSizes("Conv", [h, width], { ...attributes, kernel: [kh, kw] }, x, w);
    return [{ dtype: x.dtype, shape: [n, m, ...sizes] }];
  },
  ConvTranspose: ([x, w], { stride, pads, dilation, outputPadding }) => {
    const [n, m, h, width] = four("ConvTranspose", x);
    const [wm, c, kh, kw] = four("ConvTranspose", w);
    oneType("ConvTranspose", x, w);
    if (m !== wm) refuse("ConvTranspose", `input has ${m} channels, weight takes ${wm}`, x, w);
    const [top, left, bottom, right] = pads;
    const rows = (h - 1) * stride + dilation * (kh - 1) + 1 - top - bottom + outputPadding[0];
    const columns = (width - 1) * stride + dilation * (kw - 1) + 1 - left - right + outputPadding[1];
    if (rows < 1 || columns < 1) refuse("ConvTranspose", "the pads remove the whole output", x, w);
    return [{ dtype: x.dtype, shape: [n, c, rows, columns] }];
  },
  MultiHeadAttention: ([q, k, v], { heads }) => {
    const [batch, length, width] = three("MultiHeadAttention", q);
    const [keys, values] = [three("MultiHeadAttention", k), three("MultiHeadAttention", v)];
    oneType("MultiHeadAttention", q, k, v);
    if (width % heads || values[2] % heads)
      refuse("MultiHeadAttention", `the width is not a multiple of ${heads} heads`, q, v);
    if (keys[0] !== batch || values[0] !== batch || keys[1] !== values[1] || keys[2] !== width)
      refuse("MultiHeadAttention", "keys and values do not match the queries", q, k, v);
    return [{ dtype: q.dtype, shape: [batch, length, values[2]] }];
  },

  NhwcConv: ([x, w, b], attributes) => {
    const [n, h, width, c] = four("NhwcConv", x);
    const [m, kh, kw, wc] = four("NhwcConv", w);
    oneType("NhwcConv", x, w, ...(b ? [b] : []));
    if (c !== wc) refuse("NhwcConv", `input has ${c} channels, weight takes ${wc}`, x, w);
    if (!sameShape(attributes.kernel, [kh, kw]))
      refuse("NhwcConv", `the weight is not ${attributes.kernel.join(" × ")}`, w);
    if (b && !sameShape(b.shape, [m])) refuse("NhwcConv", `bias does not have ${m} elements`, w, b);
    const [rows, columns] = convSizes("NhwcConv", [h, width], attributes, x);
    return [{ dtype: x.dtype, shape: [n, rows, columns, m] }];
  },
  GroupNorm: ([x, ...affine], { groups }) => {
    const c = four("GroupNorm", x)[3];
    if (c % groups) refuse("GroupNorm", `${c} channels are not a multiple of ${groups} groups`, x);
    for (const part of affine)
      if (part.dtype !== "float32" || !sameShape(part.shape, [c]))
        refuse("GroupNorm", `needs ${c} float32 scales and shifts`, x, part);
    return same([x]);
  },
  BiasSplitGelu: ([x, bias]) => {
    const [n, length, width] = three("BiasSplitGelu", x);
    oneType("BiasSplitGelu", x, bias);
    if (width % 2 || !sameShape(bias.shape, [width]))
      refuse("BiasSplitGelu", `needs an even width and ${width} biases`, x, bias);
    return [{ dtype: x.dtype, shape: [n, length, width / 2] }];
  },

  QuantizeWeight: ([w]) => {
    if (w.shape.length < 2 || w.dtype !== "float32")
      refuse("QuantizeWeight", `needs float32 and two axes or more, not ${w.dtype}`, w);
    const columns = w.shape.at(-1)!;
    return [
      { dtype: "int8", shape: [elementCount(w.shape) / columns, columns] },
      { dtype: "float32", shape: [columns] },
    ];
  },
  DynamicQuantizeMatMul: ([x, ...weight]) => {
    const [rows, columns] = quantizedWeight("DynamicQuantizeMatMul", x, weight);
    if (x.shape.length < 2 || x.shape.at(-1) !== rows)
      refuse("DynamicQuantizeMatMul", `inner sizes ${x.shape.at(-1)} and ${rows} differ`, x, weight[0]);
    return [{ dtype: "float32", shape: [...x.shape.slice(0, -1), columns] }];
  },
  DynamicQuantizeConv: ([x, ...weight], attributes) => {
    const [n, c, h, width] = four("DynamicQuantizeConv", x);
    const [rows, columns] = quantizedWeight("DynamicQuantizeConv", x, weight);
    const [kh, kw] = attributes.kernel;
    if (rows !== kh * kw * c)
      refuse("DynamicQuantizeConv", `${kh} × ${kw} × ${c} weights are needed, not ${rows}`, x, weight[0]);
    const sizes = convSizes("DynamicQuantizeConv", [h, width], attributes, x);
    return [{ dtype: "float32", shape: [n, columns, ...sizes] }];
  },

  Softmax: ([x]) => {
    if (!x.shape.length) refuse("Softmax", "a scalar has no last axis", x);
    return same([x]);
  },
  LayerNormalization: ([x]) => {
    if (!x.shape.length) refuse("LayerNormalization", "a scalar has no last axis", x);
    const statistics: TensorType = { dtype: "float32", shape: [...x.shape.slice(0, -1), 1] };
    return [{ dtype: x.dtype, shape: x.shape }, statistics, statistics];
  },
  ReduceSum: reduce("ReduceSum"),
  ReduceMean: reduce("ReduceMean"),
  AveragePool: ([x], { kernel }) => {
    const [n, c, h, w] = four("AveragePool", x);
    if (h % kernel || w % kernel) refuse("AveragePool", `size is not a multiple of ${kernel}`, x);
    return [{ dtype: x.dtype, shape: [n, c, h / kernel, w / kernel] }];
  },
  Resize: ([x], { factor }) => {
    const [n, c, h, w] = four("Resize", x);
    if (!Number.isInteger(factor) || factor < 1)
      refuse("Resize", `${factor} is not a positive integer factor`, x);
    return [{ dtype: x.dtype, shape: [n, c, h * factor, w * factor] }];
  },

  Reshape: ([x], { shape }) => {
    if (elementCount(shape) !== elementCount(x.shape))
      refuse("Reshape", `cannot be reshaped to ${showShape(shape)}`, x);
    return [{ dtype: x.dtype, shape }];
  },
  Transpose: ([x], { permutation }) => {
    const isPermutation = [...permutation].sort((p, q) => p - q).every((axis, index) => axis === index);
    if (permutation.length !== x.shape.length || !isPermutation)
      refuse("Transpose", `[${permutation}] does not permute its axes`, x);
    return [{ dtype: x.dtype, shape: permutation.map((axis) => x.shape[axis]!) }];
  },
  Expand: ([x], { shape }) => {
    const wide = broadcastShapes(x.shape, shape, `Expand(${x.name})`);
    if (wide.length !== shape.length || wide.some((size, axis) => size !== shape[axis]))
      refuse("Expand", `does not broadcast to ${showShape(shape)}`, x);
    return [{ dtype: x.dtype, shape }];
  },
  Concat: (inputs, { axis }) => {
    const [first] = inputs;
    if (!first) throw new InternalError("Concat: no inputs");
    for (const x of inputs)
      if (x.shape.length !== first.shape.length || x.shape.some((s, a) => a !== axis && s !== first.shape[a]))
        refuse("Concat", `shapes differ outside axis ${axis}`, first, x);
    if (first.shape[axis] === undefined) refuse("Concat", `has no axis ${axis}`, first);
    oneType("Concat", ...inputs);
    const total = inputs.reduce((sum, x) => sum + x.shape[axis]!, 0);
    return [{ dtype: first.dtype, shape: first.shape.with(axis, total) }];
  },
  Slice: ([x], { axis, start, end, reverse }) => {
    const size = x.shape[axis];
    if (
      size === undefined ||
      start < 0 ||
      end > size ||
      start >= end ||
      (reverse && (start !== 0 || end !== size))
    )
      refuse("Slice", `has no [${start}:${end}] on axis ${axis}`, x);
    return [{ dtype: x.dtype, shape: x.shape.with(axis, end - start) }];
  },
  Pad: ([x], { axis, before, after }) => {
    const size = x.shape[axis];
    if (size === undefined || before < 0 || after < 0)
      return refuse("Pad", `cannot pad ${before} before and ${after} after on axis ${axis}`, x);
    return [{ dtype: x.dtype, shape: x.shape.with(axis, size + before + after) }];
  },
  Gather: ([table, ids]) => {
    if (table.shape.length !== 2 || ids.dtype !== "int64")
      refuse("Gather", "needs a table [V, D] and int64 ids", table, ids);
    return [{ dtype: table.dtype, shape: [...ids.shape, table.shape[1]!] }];
  },

  After: ([x]) => same([x]),
};

/** [K, N] of a quantized weight, whose parts must match. */
function quantizedWeight(
  op: OpType,
  x: Value,
  [integers, scales, bias]: readonly [Value, Value, Value?],
): readonly [number, number] {
  const columns = integers.shape.at(-1)!;
  if (x.dtype !== "float32" || integers.dtype !== "int8" || integers.shape.length !== 2)
    refuse(op, `needs float32 and int8 [K, N], not ${x.dtype} and ${integers.dtype}`, x, integers);
  for (const part of bias ? [scales, bias] : [scales])
    if (part.dtype !== "float32" || part.shape.length !== 1 || part.shape[0] !== columns)
      refuse(op, `needs ${columns} float32 scales and biases`, integers, part);
  return [integers.shape[0]!, columns];
}

/** Rows and columns of a convolution's result. */
function convSizes(
  op: OpType,
  size: readonly [number, number],
  { kernel, stride, pads, dilation }: Attributes<"NhwcConv">,
  ...values: readonly Value[]
): readonly [number, number] {
  const along = (axis: 0 | 1) =>
    Math.floor((size[axis] + pads[axis] + pads[axis + 2]! - dilation * (kernel[axis] - 1) - 1) / stride) + 1;
  const sizes = [along(0), along(1)] as const;
  if (Math.min(...sizes) < 1) refuse(op, "the kernel is larger than the padded input", ...values);
  return sizes;
}

function lastTwo(shape: Shape, swapped: boolean): [number, number] {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return swapped ? [columns, rows] : [rows, columns];
}

function three(op: OpType, x: Value): [number, number, number] {
  if (x.shape.length !== 3) refuse(op, "needs three axes", x);
  return [...x.shape] as [number, number, number];
}

function four(op: OpType, x: Value): [number, number, number, number] {
  if (x.shape.length !== 4) refuse(op, "needs four axes", x);
  return [...x.shape] as [number, number, number, number];
}

function oneType(op: OpType, ...values: readonly Value[]): void {
  if (values.some(({ dtype }) => dtype !== values[0]!.dtype))
    refuse(op, `operands are ${values.map(({ dtype }) => dtype).join(" and ")}`, ...values);
}

function refuse(op: OpType, why: string, ...values: readonly Value[]): never {
  throw new InternalError(
    `${op}: ${why}: ${values.map((v) => `${v.name} ${showShape(v.shape)}`).join(", ")}`,
  );
}
