import type { Value } from "../graph/value.ts";
import { multiHeadAttention } from "./attention.ts";
import { conv2d, groupNorm, layerNorm, linear } from "./layers.ts";
import type { Module } from "./module.ts";
import { type KeysAndValues, keysAndValues, type TextConditioning } from "./text-attention.ts";

interface TransformerOptions {
  readonly heads: number;
  readonly layers: number;
  readonly groups: number;
  readonly linearProjection: boolean;
}

/**
 * diffusers `Transformer2DModel`: pixels as tokens, self-attention, cross-attention to the text,
 * feed-forward.
 *
 * @param x [N, C, H, W] @returns [N, C, H, W]
 */
export function transformer2d(
  m: Module,
  x: Value,
  text: TextConditioning,
  options: TransformerOptions,
): Value {
  return m.graph.segment("block", () => transform(m, x, text, options));
}

function transform(m: Module, x: Value, text: TextConditioning, options: TransformerOptions): Value {
  const { graph } = m;
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const toTokens = (value: Value) => graph.reshape(graph.transpose(value, [0, 2, 3, 1]), [n, h * w, c]);
  const toImage = (value: Value) => graph.transpose(graph.reshape(value, [n, h, w, c]), [0, 3, 1, 2]);
  const normalized = groupNorm(m.in("norm"), x, options.groups, 1e-6);
  let tokens = options.linearProjection
    ? linear(m.in("proj_in"), toTokens(normalized), c)
    : toTokens(conv2d(m.in("proj_in"), normalized, c, { kernel: 1 }));
  for (let layer = 0; layer < options.layers; layer++)
    tokens = transformerBlock(m.in(`transformer_blocks.${layer}`), tokens, text, options.heads);
  const projected = options.linearProjection
    ? toImage(linear(m.in("proj_out"), tokens, c))
    : conv2d(m.in("proj_out"), toImage(tokens), c, { kernel: 1 });
  return graph.add(projected, x);
}

/** diffusers `BasicTransformerBlock`. tokens [N, S, C] → [N, S, C]. */
function transformerBlock(m: Module, tokens: Value, text: TextConditioning, heads: number): Value {
  const { graph } = m;
  const epsilon = 1e-5;
  const own = layerNorm(m.in("norm1"), tokens, epsilon);
  const width = tokens.shape.at(-1)!;
  const [self, cross] = [m.in("attn1"), m.in("attn2")];
  const ofImage = keysAndValues(self, own, width, undefined, 0);
  const afterSelf = graph.add(attend(self, own, ofImage, heads), tokens);
  const asking = layerNorm(m.in("norm2"), afterSelf, epsilon);
  const ofText = keysAndValues(cross, text.states, width, text.learned, 1);
  const afterCross = graph.add(attend(cross, asking, ofText, heads), afterSelf);
  return graph.add(feedForward(m.in("ff"), layerNorm(m.in("norm3"), afterCross, epsilon)), afterCross);
}

function attend(m: Module, x: Value, { keys, values }: KeysAndValues, heads: number): Value {
  const width = x.shape.at(-1)!;
  const mixed = multiHeadAttention(m.graph, linear(m.in("to_q"), x, width), keys, values, heads);
  return linear(m.in("to_out.0"), mixed, width);
}

/** GEGLU: half of the projection gates the other half. */
function feedForward(m: Module, x: Value): Value {
  const { graph } = m;
  const width = x.shape.at(-1)!;
  const inner = 4 * width;
  const both = linear(m.in("net.0.proj"), x, 2 * inner);
  const last = both.shape.length - 1;
  const gate = graph.gelu(graph.slice(both, last, inner, 2 * inner));
  return linear(m.in("net.2"), graph.mul(graph.slice(both, last, 0, inner), gate), width);
}
