import type { Value } from "../graph/value.ts";
import { multiHeadAttention } from "./attention.ts";
import { layerNorm, linear } from "./layers.ts";
import type { Module } from "./module.ts";
import { keysAndValues, type TextConditioning } from "./text-attention.ts";

/**
 * Sinusoidal timestep embedding (diffusers `Timesteps`): angles t·10000^(−i/(half − freqShift)).
 *
 * @param timesteps float32 [B] @returns [B, dimension], sines first unless `flipSinToCos`
 */
export function timestepEmbedding(
  m: Module,
  timesteps: Value,
  dimension: number,
  { flipSinToCos, freqShift }: { readonly flipSinToCos: boolean; readonly freqShift: number },
): Value {
  const { graph } = m;
  const half = dimension / 2;
  const frequencies = Array.from({ length: half }, (_, i) =>
    Math.exp((-Math.log(10_000) * i) / (half - freqShift)),
  );
  const angles = graph.mul(
    graph.reshape(timesteps, [timesteps.shape[0]!, 1]),
    graph.constant(frequencies, [1, half]),
  );
  const [sine, cosine] = [graph.sin(angles), graph.cos(angles)];
  // Angles reach 999, where half precision has steps of one half; the sinusoids are in its range.
  return graph.cast(graph.concat(flipSinToCos ? [cosine, sine] : [sine, cosine], 1), m.dtype);
}

/** Two linear layers with SiLU between (diffusers `TimestepEmbedding`). x [B, in] → [B, width]. */
export function embedTimestep(m: Module, x: Value, width: number): Value {
  return linear(m.in("linear_2"), m.graph.quickGelu(linear(m.in("linear_1"), x, width), 1), width);
}

/**
 * Stable Diffusion XL's `text_time`: the pooled text [B, p] concatenated with the sinusoidal embeddings, of
 * `width` each, of the
 * image size (`sizeNumbers`). The size is the same for the whole batch.
 *
 * @returns [B, p + 6 · width]
 */
export function textAndSize(
  m: Module,
  pooled: Value,
  numbers: readonly number[],
  width: number,
  order: { readonly flipSinToCos: boolean; readonly freqShift: number },
): Value {
  const { graph } = m;
  const batch = pooled.shape[0]!;
  const sinusoids = timestepEmbedding(m, graph.constant(numbers, [numbers.length]), width, order);
  const flat = graph.reshape(sinusoids, [1, numbers.length * width]);
  return graph.concat([pooled, graph.expand(flat, [batch, numbers.length * width])], 1);
}

/**
 * Pools the text into one vector for the time embedding (diffusers `TextTimeEmbedding`): a query from the
 * mean token
 * attends to the mean token and all others.
 *
 * @returns [B, width]
 */
export function embedText(m: Module, text: TextConditioning, heads: number, width: number): Value {
  const { graph } = m;
  const [batch, , d] = text.states.shape as readonly [number, number, number];
  const pool = m.in("pool");
  const normalized = layerNorm(m.in("norm1"), text.states, 1e-5);
  const mean = graph.reduceMean(normalized, [1]);
  const query = graph.add(mean, pool.weight("positional_embedding", [1, d]));
  const tokens = graph.concat([query, normalized], 1);
  // The first row is the query's own, so the text's position 1 is row 2.
  const { keys, values } = keysAndValues(pool, tokens, d, text.learned, 2);
  const pooled = multiHeadAttention(graph, linear(pool.in("q_proj"), query, d), keys, values, heads);
  return layerNorm(m.in("norm2"), linear(m.in("proj"), graph.reshape(pooled, [batch, d]), width), 1e-5);
}
