import { erf, roundToHalf, sigmoid } from "./special-functions.ts";
import type { ReferenceRules } from "./table.ts";
import { atBroadcast, broadcastShape, generate, type Tensor64 } from "./tensor64.ts";

type Inputs = readonly Tensor64[];

const binary =
  (formula: (a: number, b: number) => number) =>
  ([a, b]: Inputs) => [
    generate(broadcastShape(a!.shape, b!.shape), (index) =>
      formula(atBroadcast(a!, index), atBroadcast(b!, index)),
    ),
  ];

const map = ([x]: Inputs, formula: (x: number) => number) => [
  { shape: x!.shape, data: x!.data.map((element) => formula(element)) },
];
const unary = (formula: (x: number) => number) => (inputs: Inputs) => map(inputs, formula);

export const elementwise: ReferenceRules<
  | "Add"
  | "Sub"
  | "Mul"
  | "Div"
  | "Neg"
  | "Exp"
  | "Sqrt"
  | "Reciprocal"
  | "Sin"
  | "Cos"
  | "Tanh"
  | "Erf"
  | "Relu"
  | "Sigmoid"
  | "Gelu"
  | "QuickGelu"
  | "Clip"
  | "InRange"
  | "Cast"
> = {
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: binary((a, b) => a / b),

  Neg: unary((x) => -x),
  Exp: unary(Math.exp),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((x) => 1 / x),
  Sin: unary(Math.sin),
  Cos: unary(Math.cos),
  Tanh: unary(Math.tanh),
  Erf: unary(erf),
  Relu: unary((x) => Math.max(x, 0)),
  Sigmoid: unary(sigmoid),
  // Φ(x) = (1 + erf(x/√2)) / 2
  Gelu: unary((x) => (x * (1 + erf(x / Math.SQRT2))) / 2),
  QuickGelu: (inputs, { alpha }) => map(inputs, (x) => x * sigmoid(alpha * x)),
  Clip: (inputs, { min, max }) => map(inputs, (x) => Math.min(Math.max(x, min), max)),
  InRange: (inputs, { min, max }) => map(inputs, (x) => (x >= min && x <= max ? 1 : 0)),
  // The reference is float64 throughout, so float32 rounding is omitted. Half precision is too coarse to
  // omit.
  Cast: (inputs, { to }) => map(inputs, to === "float16" ? roundToHalf : (x) => x),
};
