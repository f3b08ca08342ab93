import { elementCount, type Shape } from "../../../engine/graph/value.ts";
import { seededRandom } from "./seeded-random.ts";

/** Specification of one input of a case. */
export type InputSpec =
  | { readonly kind: "ids"; readonly shape: Shape; readonly ids: readonly number[] }
  | {
      readonly kind: "numbers";
      readonly shape: Shape;
      readonly low: number;
      readonly high: number;
      /**
       * Kinks of the function. Elements have a distance of at least 0.05 from them, so that a central
       * difference does not span one.
       */
      readonly awayFrom: readonly number[];
      /** If present, elements are multiples of this. */
      readonly grid?: number;
      /** float16 inputs are fed as float32 and cast in the graph. */
      readonly dtype: "float32" | "float16";
      /** A weight that the graph quantizes: it becomes two operands, integers and scales. */
      readonly quantized?: boolean;
    };

const defaults = { kind: "numbers", low: -2, high: 2, awayFrom: [], dtype: "float32" } as const;

/** Numbers between −2 and 2. */
export const numbers = (...shape: readonly number[]): InputSpec => ({ ...defaults, shape });
/** Numbers between 0.5 and 2: for divisors and roots. */
export const positive = (...shape: readonly number[]): InputSpec => ({
  ...defaults,
  shape,
  low: 0.5,
  high: 2,
});
export const negative = (...shape: readonly number[]): InputSpec => ({
  ...defaults,
  shape,
  low: -2,
  high: -0.5,
});
/** Numbers between −8 and 8, where saturating functions are flat. */
export const wide = (...shape: readonly number[]): InputSpec => ({ ...defaults, shape, low: -8, high: 8 });
export const awayFrom = (kinks: readonly number[], ...shape: readonly number[]): InputSpec => ({
  ...defaults,
  shape,
  awayFrom: kinks,
});
/** Multiples of 2⁻⁶: exact in half precision, and so are their sums with the step 2⁻⁴. */
export const gridded = (dtype: "float32" | "float16", ...shape: readonly number[]): InputSpec => ({
  ...defaults,
  shape,
  dtype,
  grid: 2 ** -6,
});
export const quantized = (...shape: readonly number[]): InputSpec => ({
  ...defaults,
  shape,
  quantized: true,
});
export const ids = (shape: Shape, ...values: readonly number[]): InputSpec => ({
  kind: "ids",
  shape,
  ids: values,
});

/** The elements of an input, exactly representable in float32. */
export function elementsOf(spec: InputSpec, seed: number): Float32Array | BigInt64Array {
  if (spec.kind === "ids") return BigInt64Array.from(spec.ids, BigInt);
  const random = seededRandom(seed);
  const draw = () => {
    const x = spec.low + (spec.high - spec.low) * random();
    const placed = spec.grid ? Math.round(x / spec.grid) * spec.grid : x;
    const kink = spec.awayFrom.find((place) => Math.abs(placed - place) < 0.05);
    return kink === undefined ? placed : kink + (placed < kink ? -0.05 : 0.05);
  };
  return Float32Array.from({ length: elementCount(spec.shape) }, draw);
}
