import { InternalError } from "../errors.ts";
import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import { layerNorm, linear } from "./layers.ts";
import type { Module } from "./module.ts";
import type { UnetConfig } from "./unet-2d-condition-config.ts";

/** A cross-attention layer of the UNet, whose keys and values are projections of the text. */
export interface TextAttention {
  /** The module's path in the checkpoint: `down_blocks.0.attentions.1.transformer_blocks.0.attn2`. */
  readonly name: string;
  /** Width of its keys and of its values. */
  readonly width: number;
}

/**
 * The UNet's text conditioning: the text, and keys and values for positions 1 … n that replace the projected
 * ones.
 */
export interface TextConditioning {
  /** The text encoder's last hidden state, [N, L, d]. */
  readonly states: Value;
  /** By the attention layer's name, [N, n, width] each. */
  readonly learned?: ReadonlyMap<string, KeysAndValues> | undefined;
  /** The pooled text [N, p], for `addition_embed_type: text_time`. */
  readonly pooled?: Value | undefined;
}

export interface KeysAndValues {
  readonly keys: Value;
  readonly values: Value;
}

/**
 * All layers that attend to the text, in the order of their names: the cross-attention of each transformer
 * block and, with `addition_embed_type: "text"`, the pooling of the text for the time embedding.
 */
export function textAttentions(config: UnetConfig): TextAttention[] {
  const levels = config.block_out_channels.length;
  const found: TextAttention[] = [];
  const add = (block: string, level: number) => {
    const { transformer_layers_per_block: layers } = config;
    const count = typeof layers === "number" ? layers : layers[level]!;
    for (let layer = 0; layer < count; layer++)
      found.push({
        name: `${block}.transformer_blocks.${layer}.attn2`,
        width: config.block_out_channels[level]!,
      });
  };
  for (const [level, type] of config.down_block_types.entries())
    if (type === "CrossAttnDownBlock2D")
      for (let i = 0; i < config.layers_per_block; i++) add(`down_blocks.${level}.attentions.${i}`, level);
  add("mid_block.attentions.0", levels - 1);
  for (const [index, type] of config.up_block_types.entries())
    if (type === "CrossAttnUpBlock2D")
      for (let i = 0; i <= config.layers_per_block; i++)
        add(`up_blocks.${index}.attentions.${i}`, levels - 1 - index);
  if (config.addition_embed_type === "text") found.push({ name: pooling, width: config.cross_attention_dim });
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const pooling = "add_embedding.pool";

/** Width of a row that holds one position's keys and values of all attention layers. */
export function keysValuesWidth(attentions: readonly TextAttention[]): number {
  return attentions.reduce((sum, { width }) => sum + 2 * width, 0);
}

/**
 * Splits rows [N, n, D] into each attention layer's keys and values, which alternate in the layers' order.
 */
export function splitKeysValues(
  graph: GraphBuilder,
  rows: Value,
  attentions: readonly TextAttention[],
): Map<string, KeysAndValues> {
  let column = 0;
  const take = (width: number) => {
    const start = column;
    column += width;
    return graph.slice(rows, 2, start, column);
  };
  return new Map(attentions.map(({ name, width }) => [name, { keys: take(width), values: take(width) }]));
}

/** Projects a text to the rows that {@link splitKeysValues} splits. states [N, L, d] → [N, L, D]. */
export function projectKeysValues(m: Module, config: UnetConfig, states: Value): Value {
  const parts = textAttentions(config).flatMap(({ name, width }) => {
    const text = name === pooling ? layerNorm(m.in("add_embedding.norm1"), states, 1e-5) : states;
    const { keys, values } = keysAndValues(m.in(name), text, width, undefined, 1);
    return [keys, values];
  });
  return m.graph.concat(parts, 2);
}

/**
 * Keys and values of the attention layer at `m`.
 *
 * @param context their input, [N, S, d] @param first row of `context` with the text's position 1
 */
export function keysAndValues(
  m: Module,
  context: Value,
  width: number,
  learned: TextConditioning["learned"],
  first: number,
): KeysAndValues {
  const own = learned?.get(m.path);
  if (learned && !own) throw new InternalError(`no learned keys and values for ${m.path}`);
  const [key, value] = m.path === pooling ? ["k_proj", "v_proj"] : ["to_k", "to_v"];
  const project = (name: string, rows: Value | undefined) => {
    const projected = linear(m.in(name), context, width);
    if (!rows) return projected;
    const rest = first + rows.shape[1]!;
    return m.graph.concat(
      [m.graph.slice(projected, 1, 0, first), rows, m.graph.slice(projected, 1, rest, projected.shape[1]!)],
      1,
    );
  };
  return { keys: project(key!, own?.keys), values: project(value!, own?.values) };
}
