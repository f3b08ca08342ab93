import type { FloatType, Value } from "./value.ts";

/**
 * The operators of a graph. Names and meaning are ONNX's (opset 21, and `com.microsoft` as noted), limited to
 * what diffusion models and their derivatives need. Operands that ONNX passes as constant tensors but that
 * determine a static shape (`Reshape`'s shape, `Slice`'s bounds, `ReduceSum`'s axes) are attributes here; the
 * encoder turns them back into tensors. `QuantizeWeight` and `DynamicQuantizeConv` are not ONNX's: the encoder
 * writes several nodes.
 *
 * An entry declares inputs and attributes as types. Four exhaustive tables implement an operator, and an
 * incomplete table does not compile: `shape-rules.ts`, `encode-operators.ts`, `../autodiff/vjp-rules.ts` and,
 * in the tests, the float64 reference.
 */
interface Operators {
  // Elementwise, two operands, multidirectional broadcasting.
  Add: Binary;
  Sub: Binary;
  Mul: Binary;
  Div: Binary;

  // Elementwise, one operand.
  Neg: Unary;
  Exp: Unary;
  Sqrt: Unary;
  Reciprocal: Unary;
  Sin: Unary;
  Cos: Unary;
  Tanh: Unary;
  Erf: Unary;
  Relu: Unary;
  Sigmoid: Unary;
  /** x·Φ(x), the exact Gaussian error linear unit. */
  Gelu: Unary;
  /** x·σ(αx) (`com.microsoft`). α = 1 is SiLU (swish), α = 1.702 is OpenAI CLIP's GELU. */
  QuickGelu: { inputs: readonly [x: Value]; attributes: { readonly alpha: number } };
  Clip: { inputs: readonly [x: Value]; attributes: { readonly min: number; readonly max: number } };
  /** 1 where min ≤ x ≤ max, else 0: the derivative of Clip. Lowered to comparisons. */
  InRange: { inputs: readonly [x: Value]; attributes: { readonly min: number; readonly max: number } };
  Cast: { inputs: readonly [x: Value]; attributes: { readonly to: FloatType } };

  // Linear algebra.
  /**
   * α · op(a) · op(b) over the last two axes, leading axes broadcast. Encoded as `com.microsoft.FusedMatMul`
   * if needed.
   */
  MatMul: {
    inputs: readonly [a: Value, b: Value];
    attributes: { readonly transA: boolean; readonly transB: boolean; readonly alpha: number };
  };
  /** x [N, C, H, W], w [M, C, kH, kW], b [M]. */
  Conv: {
    inputs: readonly [x: Value, w: Value] | readonly [x: Value, w: Value, b: Value];
    attributes: ConvAttributes;
  };
  /** x [N, M, H, W], w [M, C, kH, kW]: the adjoint of Conv with the same attributes. */
  ConvTranspose: {
    inputs: readonly [x: Value, w: Value];
    attributes: ConvAttributes & { readonly outputPadding: readonly [number, number] };
  };

  /**
   * softmax(scale · q · kᵀ) · v in `heads` parallel heads (`com.microsoft`). q [B, L, heads·d], k [B, S,
   * heads·d], v [B, S, heads·e] → [B, L, heads·e].
   */
  MultiHeadAttention: {
    inputs: readonly [q: Value, k: Value, v: Value];
    attributes: { readonly heads: number; readonly scale: number };
  };

  // Kernels of the CUDA provider alone (`com.microsoft`), with the channels last. They are not differentiable.
  /** x [N, H, W, C], w [M, kH, kW, C], b [M]: Conv with the channels last. */
  NhwcConv: {
    inputs: readonly [x: Value, w: Value] | readonly [x: Value, w: Value, b: Value];
    attributes: KernelAttributes;
  };
  /**
   * x [N, H, W, C], scale and shift [C] in float32: every group of C / `groups` channels normalized over
   * channels and space, scaled and shifted by channel, and with `silu` multiplied by its sigmoid.
   */
  GroupNorm: {
    inputs: readonly [x: Value, scale: Value, shift: Value];
    attributes: { readonly groups: number; readonly epsilon: number; readonly silu: boolean };
  };
  /** a · Gelu(b), where [a, b] = x + bias on the last axis. x [N, S, D], bias [D] → [N, S, D / 2]. */
  BiasSplitGelu: { inputs: readonly [x: Value, bias: Value]; attributes: NoAttributes };

  // Products in 8-bit integers. They are not differentiable.
  /**
   * w [.., N] → integers int8 [K, N] from −63 to 63 and scales [N], with w ≈ integers · scales and K the product
   * of w's other axes.
   */
  QuantizeWeight: Unary;
  /**
   * x · (integers · scales) + bias over the last axis, x [.., K] → [.., N] (`com.microsoft`). x is quantized to 8
   * bits with the range that it has in this run.
   */
  DynamicQuantizeMatMul: {
    inputs: QuantizedInputs;
    attributes: NoAttributes;
  };
  /** The same for a convolution, x [N, C, H, W], of a weight quantized as [kH, kW, C, M]. */
  DynamicQuantizeConv: {
    inputs: QuantizedInputs;
    attributes: KernelAttributes;
  };

  // Normalization and reduction.
  /** Over the last axis. */
  Softmax: Unary;
  /**
   * Over the last axis, without affine part. Outputs y, mean and inverse standard deviation (the last axis
   * kept as 1). Both statistics are float32 for any x.
   */
  LayerNormalization: { inputs: readonly [x: Value]; attributes: { readonly epsilon: number } };
  ReduceSum: { inputs: readonly [x: Value]; attributes: ReduceAttributes };
  ReduceMean: { inputs: readonly [x: Value]; attributes: ReduceAttributes };
  /** Windows of k × k, stride k, no padding. */
  AveragePool: { inputs: readonly [x: Value]; attributes: { readonly kernel: number } };
  /** Nearest-neighbor upsampling of the last two axes by an integer factor (ONNX Resize). */
  Resize: { inputs: readonly [x: Value]; attributes: { readonly factor: number } };

  // Shape.
  Reshape: { inputs: readonly [x: Value]; attributes: { readonly shape: readonly number[] } };
  Transpose: { inputs: readonly [x: Value]; attributes: { readonly permutation: readonly number[] } };
  Expand: { inputs: readonly [x: Value]; attributes: { readonly shape: readonly number[] } };
  Concat: { inputs: readonly Value[]; attributes: { readonly axis: number } };
  /** x[start : end] along one axis; `reverse` reverses the whole axis. */
  Slice: { inputs: readonly [x: Value]; attributes: SliceAttributes };
  Pad: {
    inputs: readonly [x: Value];
    attributes: { readonly axis: number; readonly before: number; readonly after: number };
  };
  /** Rows of a table [V, D] by int64 ids [..]: [.., D]. */
  Gather: { inputs: readonly [table: Value, ids: Value]; attributes: NoAttributes };

  // Ordering.
  /**
   * x unchanged, but not before `signal` is computed, so that nodes that depend on it run late. Lowered to a
   * Reshape.
   */
  After: { inputs: readonly [x: Value, signal: Value]; attributes: NoAttributes };
}

export type OpType = keyof Operators;
export type Inputs<Op extends OpType> = Operators[Op]["inputs"];
export type Attributes<Op extends OpType> = Operators[Op]["attributes"];

export type NoAttributes = Readonly<Record<never, never>>;
interface Unary {
  inputs: readonly [x: Value];
  attributes: NoAttributes;
}
interface Binary {
  inputs: readonly [a: Value, b: Value];
  attributes: NoAttributes;
}
type QuantizedInputs =
  | readonly [x: Value, integers: Value, scales: Value]
  | readonly [x: Value, integers: Value, scales: Value, bias: Value];
export interface ConvAttributes {
  readonly stride: number;
  /** [top, left, bottom, right] zeros added around the input. */
  readonly pads: readonly [number, number, number, number];
  readonly dilation: number;
}
type KernelAttributes = ConvAttributes & { readonly kernel: readonly [number, number] };
interface ReduceAttributes {
  /** Non-negative; reduced axes are kept as 1. */
  readonly axes: readonly number[];
}
interface SliceAttributes {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly reverse: boolean;
}
