import type { Attributes, ConvAttributes, NoAttributes, OpType } from "../../../engine/graph/operators.ts";
import {
  awayFrom,
  gridded,
  type InputSpec,
  ids,
  negative,
  numbers,
  positive,
  quantized,
  wide,
} from "./input-specs.ts";

/** A test case of an operator. */
export interface OperatorCase<Held = Attributes<OpType>> {
  /** Unique within the operator; also the seed of its numbers. */
  readonly name: string;
  readonly inputs: readonly InputSpec[];
  readonly attributes: Held;
  /** Step of the central difference, if not the default. */
  readonly step?: number;
}

type CaseTable = { readonly [Op in OpType]: readonly OperatorCase<Attributes<Op>>[] };

function of<Held>(name: string, attributes: Held, ...inputs: readonly InputSpec[]): OperatorCase<Held> {
  return { name, inputs, attributes };
}

/** All kinds of broadcasting of an elementwise operator. `second` creates the right operand. */
const broadcasting = (second: (...shape: readonly number[]) => InputSpec) => [
  of<NoAttributes>("equal shapes", {}, numbers(2, 3, 4), second(2, 3, 4)),
  of<NoAttributes>("a scalar on the right", {}, numbers(2, 3), second()),
  of<NoAttributes>("a scalar on the left", {}, numbers(), second(2, 3)),
  of<NoAttributes>("a bias over the last axis", {}, numbers(2, 3, 4), second(4)),
  of<NoAttributes>("a channel axis", {}, numbers(2, 3, 2, 2), second(3, 1, 1)),
  of<NoAttributes>("both sides repeated", {}, numbers(2, 1, 4), second(3, 1)),
  of<NoAttributes>("fewer axes on the left", {}, numbers(3), second(2, 2, 3)),
  of<NoAttributes>("two scalars", {}, numbers(), second()),
];

const shapes = (input: (...shape: readonly number[]) => InputSpec) => [
  of<NoAttributes>("a matrix", {}, input(3, 5)),
  of<NoAttributes>("four axes", {}, input(2, 3, 2, 2)),
  of<NoAttributes>("a scalar", {}, input()),
];

const conv = (changes: Partial<ConvAttributes> = {}): ConvAttributes => ({
  stride: 1,
  pads: [0, 0, 0, 0],
  dilation: 1,
  ...changes,
});
const transposed = (
  outputPadding: readonly [number, number],
  changes: Partial<ConvAttributes> = {},
): Attributes<"ConvTranspose"> => ({
  ...conv(changes),
  outputPadding,
});
const matmul = (changes: Partial<Attributes<"MatMul">> = {}): Attributes<"MatMul"> => ({
  transA: false,
  transB: false,
  alpha: 1,
  ...changes,
});
const withKernel = (
  kernel: readonly [number, number],
  changes: Partial<ConvAttributes> = {},
): Attributes<"DynamicQuantizeConv"> => ({ ...conv(changes), kernel });
const slice = (axis: number, start: number, end: number, reverse = false) => ({ axis, start, end, reverse });

export const operatorCases: CaseTable = {
  Add: broadcasting(numbers),
  Sub: broadcasting(numbers),
  Mul: broadcasting(numbers),
  Div: broadcasting(positive),

  Neg: shapes(numbers),
  Exp: shapes(numbers),
  Sqrt: shapes(positive),
  Reciprocal: [...shapes(positive), of("negative numbers", {}, negative(3, 4))],
  Sin: [...shapes(numbers), of("several periods", {}, wide(3, 4))],
  Cos: [...shapes(numbers), of("several periods", {}, wide(3, 4))],
  Tanh: [...shapes(numbers), of("saturated", {}, wide(3, 4))],
  Erf: [...shapes(numbers), of("saturated", {}, wide(3, 4))],
  Relu: shapes((...shape) => awayFrom([0], ...shape)),
  Sigmoid: [...shapes(numbers), of("saturated", {}, wide(3, 4))],
  Gelu: [...shapes(numbers), of("far from zero", {}, wide(3, 4))],
  QuickGelu: [
    of("SiLU: alpha 1", { alpha: 1 }, numbers(2, 3, 4)),
    of("CLIP's GELU: alpha 1.702", { alpha: 1.702 }, numbers(2, 3, 4)),
    of("far from zero", { alpha: 1.702 }, wide(3, 4)),
  ],
  Clip: [
    of("both bounds reached", { min: -1, max: 0.5 }, awayFrom([-1, 0.5], 3, 5)),
    of("neither bound reached", { min: -9, max: 9 }, numbers(2, 2)),
    of("a scalar", { min: -1, max: 0.5 }, awayFrom([-1, 0.5])),
  ],
  InRange: [
    of("some inside", { min: -1, max: 0.5 }, awayFrom([-1, 0.5], 3, 5)),
    of("a scalar", { min: -1, max: 0.5 }, awayFrom([-1, 0.5])),
  ],
  // A rounding has no derivative; on multiples of 2⁻⁶ and with a step of 2⁻⁴ both precisions are exact.
  Cast: [
    { ...of("to half precision", { to: "float16" }, gridded("float32", 3, 4)), step: 2 ** -4 },
    { ...of("from half precision", { to: "float32" }, gridded("float16", 3, 4)), step: 2 ** -4 },
  ],

  MatMul: [
    of("two matrices", matmul(), numbers(3, 4), numbers(4, 5)),
    of("left transposed", matmul({ transA: true }), numbers(4, 3), numbers(4, 5)),
    of("right transposed", matmul({ transB: true }), numbers(3, 4), numbers(5, 4)),
    of("both transposed", matmul({ transA: true, transB: true }), numbers(4, 3), numbers(5, 4)),
    of("scaled", matmul({ alpha: 0.125 }), numbers(3, 4), numbers(4, 5)),
    of("attention scores", matmul({ transB: true, alpha: 0.5 }), numbers(2, 2, 3, 4), numbers(2, 2, 5, 4)),
    of("batched, left transposed", matmul({ transA: true }), numbers(2, 4, 3), numbers(2, 4, 5)),
    of("one weight for a batch", matmul(), numbers(2, 3, 4), numbers(4, 5)),
    of("one transposed weight for a batch", matmul({ transB: true }), numbers(2, 3, 4), numbers(5, 4)),
    of("one left matrix for a batch", matmul({ transA: true }), numbers(4, 3), numbers(2, 4, 5)),
    of("lead axes repeated on both sides", matmul(), numbers(2, 1, 3, 4), numbers(3, 4, 2)),
    of(
      "lead axes repeated, both transposed, scaled",
      matmul({ transA: true, transB: true, alpha: -2 }),
      numbers(2, 1, 4, 3),
      numbers(3, 2, 4),
    ),
    of("a row times a column", matmul(), numbers(1, 4), numbers(4, 1)),
  ],
  MultiHeadAttention: [
    of("one head", { heads: 1, scale: 0.5 }, numbers(1, 3, 4), numbers(1, 3, 4), numbers(1, 3, 4)),
    of(
      "two heads, a batch, more keys than queries",
      { heads: 2, scale: 0.5 },
      numbers(2, 3, 8),
      numbers(2, 5, 8),
      numbers(2, 5, 8),
    ),
    of(
      "values of another width",
      { heads: 2, scale: 1 },
      numbers(1, 4, 6),
      numbers(1, 2, 6),
      numbers(1, 2, 10),
    ),
    of("one query", { heads: 3, scale: 0.25 }, numbers(2, 1, 6), numbers(2, 7, 6), numbers(2, 7, 6)),
  ],
  Conv: [
    of("3×3 padded", conv({ pads: [1, 1, 1, 1] }), numbers(2, 3, 5, 4), numbers(4, 3, 3, 3), numbers(4)),
    of("1×1", conv(), numbers(2, 3, 3, 4), numbers(5, 3, 1, 1), numbers(5)),
    of("3×3 without bias or padding", conv(), numbers(1, 2, 5, 4), numbers(3, 2, 3, 3)),
    of(
      "stride 2, padded",
      conv({ stride: 2, pads: [1, 1, 1, 1] }),
      numbers(1, 2, 6, 5),
      numbers(3, 2, 3, 3),
      numbers(3),
    ),
    of(
      "stride 2, padded below and right only",
      conv({ stride: 2, pads: [0, 0, 1, 1] }),
      numbers(1, 2, 6, 6),
      numbers(3, 2, 3, 3),
    ),
    of("stride 2 leaves a row unread", conv({ stride: 2 }), numbers(1, 2, 6, 6), numbers(2, 2, 3, 3)),
    of("stride 3, 1×1", conv({ stride: 3 }), numbers(1, 2, 6, 5), numbers(3, 2, 1, 1)),
    of(
      "patches: kernel = stride = 4",
      conv({ stride: 4 }),
      numbers(2, 2, 8, 8),
      numbers(3, 2, 4, 4),
      numbers(3),
    ),
    of("kernel 4, asymmetric pads", conv({ pads: [1, 2, 2, 1] }), numbers(1, 2, 5, 4), numbers(2, 2, 4, 4)),
    of("kernel 2", conv(), numbers(1, 2, 4, 4), numbers(3, 2, 2, 2)),
    of(
      "oblong kernel 1×3",
      conv({ pads: [0, 1, 0, 1] }),
      numbers(1, 2, 3, 5),
      numbers(2, 2, 1, 3),
      numbers(2),
    ),
    of("oblong kernel 3×1", conv({ pads: [1, 0, 1, 0] }), numbers(1, 2, 5, 3), numbers(2, 2, 3, 1)),
    of("dilated", conv({ dilation: 2, pads: [2, 2, 2, 2] }), numbers(1, 2, 5, 6), numbers(3, 2, 3, 3)),
    of(
      "dilated with stride",
      conv({ dilation: 2, stride: 2, pads: [2, 1, 0, 3] }),
      numbers(1, 2, 7, 6),
      numbers(2, 2, 3, 3),
    ),
    of(
      "more padding than the kernel reaches",
      conv({ pads: [2, 1, 1, 2] }),
      numbers(1, 2, 3, 4),
      numbers(3, 2, 2, 2),
    ),
    of(
      "1×1 padded: a border of nothing but bias",
      conv({ pads: [1, 1, 1, 1] }),
      numbers(1, 2, 3, 3),
      numbers(2, 2, 1, 1),
      numbers(2),
    ),
  ],
  ConvTranspose: [
    of("stride 1", transposed([0, 0]), numbers(1, 3, 3, 4), numbers(3, 2, 3, 3)),
    of(
      "doubling: kernel 4, stride 2",
      transposed([0, 0], { stride: 2, pads: [1, 1, 1, 1] }),
      numbers(1, 2, 3, 3),
      numbers(2, 3, 4, 4),
    ),
    of(
      "kernel 3, stride 2, output padding",
      transposed([1, 1], { stride: 2, pads: [1, 1, 1, 1] }),
      numbers(2, 2, 3, 2),
      numbers(2, 3, 3, 3),
    ),
    of(
      "output padding below only",
      transposed([1, 0], { stride: 2 }),
      numbers(1, 2, 2, 3),
      numbers(2, 2, 3, 3),
    ),
    of(
      "asymmetric pads",
      transposed([0, 0], { stride: 2, pads: [0, 1, 2, 0] }),
      numbers(1, 2, 4, 3),
      numbers(2, 2, 3, 3),
    ),
    of(
      "dilated",
      transposed([0, 0], { dilation: 2, pads: [1, 1, 1, 1] }),
      numbers(1, 2, 3, 3),
      numbers(2, 2, 3, 3),
    ),
    of(
      "patches: kernel = stride = 2",
      transposed([0, 0], { stride: 2 }),
      numbers(1, 3, 3, 2),
      numbers(3, 2, 2, 2),
    ),
  ],

  NhwcConv: [
    of(
      "3×3 padded, a batch",
      withKernel([3, 3], { pads: [1, 1, 1, 1] }),
      numbers(2, 5, 4, 3),
      numbers(4, 3, 3, 3),
      numbers(4),
    ),
    of("1×1 without bias", withKernel([1, 1]), numbers(1, 3, 4, 3), numbers(5, 1, 1, 3)),
    of(
      "stride 2, padded on the far sides",
      withKernel([3, 3], { stride: 2, pads: [0, 0, 1, 1] }),
      numbers(1, 6, 4, 2),
      numbers(3, 3, 3, 2),
      numbers(3),
    ),
    of(
      "a kernel of 2 × 3, dilated",
      withKernel([2, 3], { dilation: 2 }),
      numbers(1, 5, 6, 2),
      numbers(3, 2, 3, 2),
    ),
  ],
  GroupNorm: [
    of(
      "two groups, a batch",
      { groups: 2, epsilon: 1e-5, silu: false },
      numbers(2, 3, 2, 4),
      numbers(4),
      numbers(4),
    ),
    of("with SiLU", { groups: 2, epsilon: 1e-5, silu: true }, numbers(1, 2, 3, 6), numbers(6), numbers(6)),
    of(
      "one group and a large epsilon",
      { groups: 1, epsilon: 0.5, silu: true },
      numbers(1, 2, 2, 3),
      numbers(3),
      numbers(3),
    ),
    of(
      "numbers that are all positive",
      { groups: 3, epsilon: 1e-6, silu: false },
      positive(1, 2, 2, 6),
      numbers(6),
      numbers(6),
    ),
  ],
  BiasSplitGelu: [
    of("tokens", {}, numbers(1, 3, 8), numbers(8)),
    of("a batch, where Gelu is flat", {}, wide(2, 2, 6), numbers(6)),
  ],

  QuantizeWeight: [
    of("a matrix", {}, numbers(5, 4)),
    of("a kernel, 3×3", {}, numbers(3, 3, 2, 4)),
    of("columns of one sign", {}, positive(6, 3)),
  ],
  DynamicQuantizeMatMul: [
    of("tokens", {}, numbers(2, 3, 40), quantized(40, 8)),
    of("with a bias", {}, numbers(3, 40), quantized(40, 8), numbers(8)),
    of("numbers that are all positive", {}, positive(5, 7), quantized(7, 3), numbers(3)),
    of("numbers that are all negative", {}, negative(5, 7), quantized(7, 3)),
  ],
  DynamicQuantizeConv: [
    of(
      "3×3 padded, a batch",
      withKernel([3, 3], { pads: [1, 1, 1, 1] }),
      numbers(2, 3, 5, 4),
      quantized(3, 3, 3, 4),
      numbers(4),
    ),
    of("1×1", withKernel([1, 1]), numbers(2, 3, 3, 4), quantized(1, 1, 3, 5), numbers(5)),
    of("3×3 without bias or padding", withKernel([3, 3]), numbers(1, 2, 5, 4), quantized(3, 3, 2, 3)),
    of(
      "padded, all negative: the padding is 0",
      withKernel([3, 3], { pads: [1, 1, 1, 1] }),
      negative(1, 2, 4, 4),
      quantized(3, 3, 2, 3),
    ),
    of(
      "stride 2, padded",
      withKernel([3, 3], { stride: 2, pads: [1, 1, 1, 1] }),
      numbers(1, 2, 6, 5),
      quantized(3, 3, 2, 3),
      numbers(3),
    ),
    of(
      "stride 2, padded below and right only",
      withKernel([3, 3], { stride: 2, pads: [0, 0, 1, 1] }),
      numbers(1, 2, 6, 6),
      quantized(3, 3, 2, 3),
    ),
    of("stride 3, 1×1", withKernel([1, 1], { stride: 3 }), numbers(1, 2, 6, 5), quantized(1, 1, 2, 3)),
    of(
      "oblong kernel 1×3",
      withKernel([1, 3], { pads: [0, 1, 0, 1] }),
      numbers(1, 2, 3, 5),
      quantized(1, 3, 2, 2),
    ),
    of(
      "dilated with stride",
      withKernel([3, 3], { dilation: 2, stride: 2, pads: [2, 1, 0, 3] }),
      numbers(1, 2, 7, 6),
      quantized(3, 3, 2, 2),
    ),
  ],

  Softmax: [
    of("a matrix", {}, numbers(3, 5)),
    of("attention weights", {}, numbers(2, 2, 3, 4)),
    of("far apart logits", {}, wide(3, 6)),
    of("one element a row", {}, numbers(3, 1)),
  ],
  LayerNormalization: [
    of("a matrix", { epsilon: 1e-5 }, numbers(3, 8)),
    of("three axes", { epsilon: 1e-6 }, numbers(2, 3, 6)),
    of("groups of a feature map", { epsilon: 1e-5 }, numbers(2, 2, 24)),
    of("an epsilon that matters", { epsilon: 0.5 }, numbers(2, 5)),
  ],
  ReduceSum: [
    of("the last axis", { axes: [2] }, numbers(2, 3, 4)),
    of("the first axis", { axes: [0] }, numbers(3, 4)),
    of("all axes", { axes: [0, 1] }, numbers(3, 4)),
    of("two axes apart", { axes: [0, 2] }, numbers(2, 3, 4)),
    of("axes out of order", { axes: [3, 0, 2] }, numbers(2, 2, 3, 2)),
  ],
  ReduceMean: [
    of("the last axis", { axes: [2] }, numbers(2, 3, 4)),
    of("all axes", { axes: [0, 1, 2] }, numbers(2, 3, 4)),
    of("a middle axis", { axes: [1] }, numbers(2, 77, 2)),
  ],
  AveragePool: [
    of("halving", { kernel: 2 }, numbers(2, 2, 4, 6)),
    of("thirds", { kernel: 3 }, numbers(1, 2, 6, 3)),
    of("to one pixel", { kernel: 4 }, numbers(1, 3, 4, 4)),
  ],
  Resize: [
    of("doubling", { factor: 2 }, numbers(2, 2, 3, 2)),
    of("threefold", { factor: 3 }, numbers(1, 2, 2, 3)),
    of("by one", { factor: 1 }, numbers(1, 2, 2, 3)),
  ],

  Reshape: [
    of("heads split off", { shape: [2, 3, 2, 4] }, numbers(2, 3, 8)),
    of("flattened", { shape: [24] }, numbers(2, 3, 4)),
    of("a scalar from one element", { shape: [] }, numbers(1, 1)),
  ],
  Transpose: [
    of("a matrix", { permutation: [1, 0] }, numbers(3, 4)),
    of("heads before tokens", { permutation: [0, 2, 1, 3] }, numbers(2, 3, 2, 4)),
    of("channels last", { permutation: [0, 2, 3, 1] }, numbers(2, 3, 2, 2)),
    of("a cycle of three", { permutation: [2, 0, 1] }, numbers(2, 3, 4)),
    of("nothing moved", { permutation: [0, 1] }, numbers(3, 2)),
  ],
  Expand: [
    of("a row repeated", { shape: [3, 4] }, numbers(1, 4)),
    of("new axes in front", { shape: [2, 3, 4] }, numbers(4)),
    of("a scalar", { shape: [2, 3] }, numbers()),
    of("a middle axis", { shape: [2, 3, 2] }, numbers(2, 1, 2)),
    of("already that shape", { shape: [2, 3] }, numbers(2, 3)),
  ],
  Concat: [
    of("channels", { axis: 1 }, numbers(2, 2, 2, 2), numbers(2, 3, 2, 2)),
    of("three parts of the first axis", { axis: 0 }, numbers(1, 3), numbers(2, 3), numbers(1, 3)),
    of("the last axis", { axis: 2 }, numbers(2, 2, 1), numbers(2, 2, 3)),
    of("a single part", { axis: 0 }, numbers(2, 3)),
  ],
  Slice: [
    of("from the beginning", slice(0, 0, 2), numbers(4, 3)),
    of("to the end", slice(1, 2, 5), numbers(2, 5)),
    of("the middle of a channel axis", slice(1, 1, 3), numbers(2, 4, 2, 2)),
    of("everything", slice(0, 0, 3), numbers(3, 2)),
    of("reversed", slice(2, 0, 3, true), numbers(2, 2, 3, 2)),
    of("the last axis reversed", slice(1, 0, 4, true), numbers(3, 4)),
  ],
  Pad: [
    of("both sides", { axis: 1, before: 1, after: 2 }, numbers(2, 3)),
    of("in front", { axis: 0, before: 2, after: 0 }, numbers(2, 3)),
    of("behind, four axes", { axis: 3, before: 0, after: 1 }, numbers(1, 2, 2, 3)),
    of("not at all", { axis: 0, before: 0, after: 0 }, numbers(2, 3)),
  ],
  Gather: [
    of("a sentence", {}, numbers(6, 4), ids([3], 4, 0, 5)),
    of("a token used twice", {}, numbers(5, 3), ids([4], 2, 2, 0, 2)),
    of("a batch of sentences", {}, numbers(5, 3), ids([2, 3], 0, 1, 2, 4, 4, 3)),
    of("one id", {}, numbers(4, 3), ids([], 1)),
  ],

  After: [
    of("a matrix, after a vector", {}, numbers(2, 3), ids([5], 1, 2, 3, 4, 5)),
    of("a scalar, after a matrix", {}, numbers(), ids([2, 2], 1, 2, 3, 4)),
    of("a vector, after a scalar", {}, numbers(4), ids([], 1)),
  ],
};
