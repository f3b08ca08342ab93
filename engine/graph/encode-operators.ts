import type { Attributes, ConvAttributes, OpType } from "./operators.ts";

/** Value of an ONNX attribute. A number array is INTS; `{ float }` distinguishes floats from ints. */
export type OnnxAttribute = number | readonly number[] | string | { readonly float: number };

/** A tensor that the encoder adds for an operand that is an attribute here. */
export type OnnxOperand =
  | { readonly int64: readonly number[] }
  /** Has the type of the node's first input. */
  | { readonly float: number }
  | { readonly scales: readonly number[] }
  | "absent"
  | "ones";

/** How a node is encoded: one ONNX node, or several if `lowered`. */
interface OnnxForm {
  readonly type: string;
  readonly domain?: "com.microsoft";
  /** Position of each operand among the node's inputs, if they differ; one that is not there is absent. */
  readonly order?: readonly (number | "absent")[];
  /** Operands after the node's inputs. */
  readonly operands?: readonly OnnxOperand[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

type FormRule<Op extends OpType> = (attributes: Attributes<Op>) => OnnxForm | typeof lowered;

/** Marks an operator that is encoded as several ONNX nodes. */
export const lowered = "lowered";

const plain = (type: OpType) => (): OnnxForm => ({ type });
const conv = ({ stride, pads, dilation }: ConvAttributes): Record<string, OnnxAttribute> => ({
  strides: [stride, stride],
  pads,
  dilations: [dilation, dilation],
});
const int64 = (...values: readonly number[]): OnnxOperand => ({ int64: values });

export const onnxForms: { readonly [Op in OpType]: FormRule<Op> } = {
  Add: plain("Add"),
  Sub: plain("Sub"),
  Mul: plain("Mul"),
  Div: plain("Div"),
  Neg: plain("Neg"),
  Exp: plain("Exp"),
  Sqrt: plain("Sqrt"),
  Reciprocal: plain("Reciprocal"),
  Sin: plain("Sin"),
  Cos: plain("Cos"),
  Tanh: plain("Tanh"),
  Erf: plain("Erf"),
  Relu: plain("Relu"),
  Sigmoid: plain("Sigmoid"),
  Gelu: plain("Gelu"),
  QuickGelu: ({ alpha }) => ({
    type: "QuickGelu",
    domain: "com.microsoft",
    attributes: { alpha: { float: alpha } },
  }),
  Clip: ({ min, max }) => ({ type: "Clip", operands: [{ float: min }, { float: max }] }),
  InRange: () => lowered,
  Cast: ({ to }) => ({ type: "Cast", attributes: { to: to === "float32" ? 1 : 10 } }),

  MatMul: ({ transA, transB, alpha }) =>
    transA || transB || alpha !== 1
      ? {
          type: "FusedMatMul",
          domain: "com.microsoft",
          attributes: { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } },
        }
      : { type: "MatMul" },
  Conv: (attributes) => ({ type: "Conv", attributes: conv(attributes) }),
  ConvTranspose: (attributes) => ({
    type: "ConvTranspose",
    attributes: { ...conv(attributes), output_padding: attributes.outputPadding },
  }),
  MultiHeadAttention: ({ heads, scale }) => ({
    type: "MultiHeadAttention",
    domain: "com.microsoft",
    attributes: { num_heads: heads, scale: { float: scale } },
  }),

  // The schema reads the kernel's size from the axes that it has with the channels first, unless it is given.
  NhwcConv: ({ kernel, ...attributes }) => ({
    type: "NhwcConv",
    domain: "com.microsoft",
    attributes: { ...conv(attributes), kernel_shape: kernel },
  }),
  GroupNorm: ({ groups, epsilon, silu }) => ({
    type: "GroupNorm",
    domain: "com.microsoft",
    attributes: { groups, epsilon: { float: epsilon }, activation: Number(silu), channels_last: 1 },
  }),
  BiasSplitGelu: () => ({ type: "BiasSplitGelu", domain: "com.microsoft" }),

  QuantizeWeight: () => lowered,
  DynamicQuantizeMatMul: () => ({
    type: "DynamicQuantizeMatMul",
    domain: "com.microsoft",
    order: [0, 1, 2, "absent", 3],
  }),
  DynamicQuantizeConv: () => lowered,

  Softmax: () => ({ type: "Softmax", attributes: { axis: -1 } }),
  LayerNormalization: ({ epsilon }) => ({
    type: "LayerNormalization",
    operands: ["ones"],
    attributes: { axis: -1, epsilon: { float: epsilon } },
  }),
  ReduceSum: ({ axes }) => ({ type: "ReduceSum", operands: [int64(...axes)] }),
  ReduceMean: ({ axes }) => ({ type: "ReduceMean", operands: [int64(...axes)] }),
  AveragePool: ({ kernel }) => ({
    type: "AveragePool",
    attributes: { kernel_shape: [kernel, kernel], strides: [kernel, kernel] },
  }),
  Resize: ({ factor }) => ({
    type: "Resize",
    operands: ["absent", { scales: [1, 1, factor, factor] }],
    attributes: { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
  }),

  Reshape: ({ shape }) => ({ type: "Reshape", operands: [int64(...shape)] }),
  Transpose: ({ permutation }) => ({ type: "Transpose", attributes: { perm: permutation } }),
  Expand: ({ shape }) => ({ type: "Expand", operands: [int64(...shape)] }),
  Concat: ({ axis }) => ({ type: "Concat", attributes: { axis } }),
  // Reverses a whole axis: from the last element to before the first, with step −1.
  Slice: ({ axis, start, end, reverse }) =>
    reverse
      ? { type: "Slice", operands: [int64(-1), int64(Number.MIN_SAFE_INTEGER), int64(axis), int64(-1)] }
      : { type: "Slice", operands: [int64(start), int64(end), int64(axis)] },
  Pad: ({ axis, before, after }) => ({
    type: "Pad",
    operands: [int64(before, after), { float: 0 }, int64(axis)],
    attributes: { mode: "constant" },
  }),
  Gather: () => ({ type: "Gather", attributes: { axis: 0 } }),

  After: () => lowered,
};
