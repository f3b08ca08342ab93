import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { FloatType, Value } from "../graph/value.ts";
import type { KeysAndValues, TextConditioning } from "./text-attention.ts";

/**
 * What the UNet computes in. `fp16` halves its weights and values; the means of normalisations, the softmax's sums inside its
 * kernel and everything around the UNet (loss, guidance, schedulers, text encoders, autoencoder, CLIP) stay float32. The
 * autoencoder does because Stable Diffusion's leaves half precision's range in its upper blocks; it runs twice an edit.
 */
export const precisions = ["fp32", "fp16"] as const;
export type Precision = (typeof precisions)[number];

export const floatTypeOf: { readonly [P in Precision]: FloatType } = { fp32: "float32", fp16: "float16" };

/** What the UNet is told, in the type that it computes in. */
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
