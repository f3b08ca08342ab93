import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { FloatType, Value } from "../graph/value.ts";
import type { KeysAndValues, TextConditioning } from "./text-attention.ts";

/**
 * Precision of the UNet. `fp16` halves its weights and values. Means of normalizations, sums within the
 * softmax kernel and everything outside the UNet (loss, guidance, schedulers, text encoders, VAE, CLIP) stay
 * float32. The upper blocks of Stable Diffusion's VAE overflow half precision, and the VAE runs only twice
 * per edit.
 *
 * `int8`, on a CPU only, computes the UNet's convolutions and products in 8-bit integers, except where it is
 * differentiated.
 */
export const precisions = ["fp32", "fp16", "int8"] as const;
export type Precision = (typeof precisions)[number];

export const floatTypeOf: { readonly [P in Precision]: FloatType } = {
  fp32: "float32",
  fp16: "float16",
  int8: "float32",
};

/** Casts the conditioning to the UNet's precision. */
export function castConditioning(
  graph: GraphBuilder,
  text: TextConditioning,
  dtype: FloatType,
): TextConditioning {
  const inType = (x: Value) => graph.cast(x, dtype);
  const both = ({ keys, values }: KeysAndValues) => ({ keys: inType(keys), values: inType(values) });
  return {
    states: inType(text.states),
    pooled: text.pooled && inType(text.pooled),
    learned: text.learned && new Map([...text.learned].map(([name, rows]) => [name, both(rows)])),
  };
}
