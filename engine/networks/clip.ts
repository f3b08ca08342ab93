import type { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import { multiHeadAttention } from "./attention.ts";
import type { ClipTextConfig, ClipVisionConfig } from "./clip-config.ts";
import { activate, conv2d, layerNorm, linear } from "./layers.ts";
import type { Module } from "./module.ts";

/** Added to masked scores; exp underflows to 0 in float32. */
const masked = -1e9;

/** The text tower's weights are under `text_model`, or at the root in folders written by newer libraries. */
export function textTower(m: Module): Module {
  return m.has("text_model.embeddings.token_embedding.weight") ? m.in("text_model") : m;
}

/** Token ids int64 [N, L] → token embeddings [N, L, d], without positions. */
export function clipTokenEmbeddings(m: Module, config: ClipTextConfig, ids: Value): Value {
  const table = textTower(m).weight("embeddings.token_embedding.weight", [
    config.vocab_size,
    config.hidden_size,
  ]);
  return m.graph.gather(table, ids);
}

/**
 * transformers `CLIPTextModel` after its token embedding: positions, causal transformer, final norm.
 *
 * @param tokens [N, L, d] @returns last hidden state [N, L, d]
 */
export function clipTextEncoder(root: Module, config: ClipTextConfig, tokens: Value): Value {
  const mask = causalMask(root.graph, tokens.shape[1]!);
  return lastTextLayer(root, config, firstTextLayers(root, config, tokens, mask), mask);
}

/**
 * Input of the text tower's last layer, transformers' `hidden_states[-2]`: Stable Diffusion XL's text
 * embedding.
 *
 * @param tokens token embeddings [N, L, d] @returns [N, L, d], without the final norm
 */
export function clipPenultimateText(root: Module, config: ClipTextConfig, tokens: Value): Value {
  return firstTextLayers(root, config, tokens, causalMask(root.graph, tokens.shape[1]!));
}

/**
 * The last layer and final norm: {@link clipPenultimateText}'s result [N, L, d] → last hidden state [N, L,
 * d].
 */
export function clipLastTextLayer(root: Module, config: ClipTextConfig, penultimate: Value): Value {
  return lastTextLayer(root, config, penultimate, causalMask(root.graph, penultimate.shape[1]!));
}

function firstTextLayers(root: Module, config: ClipTextConfig, tokens: Value, mask: Value): Value {
  const { graph } = root;
  const m = textTower(root);
  const length = tokens.shape[1]!;
  const positions = m.weight("embeddings.position_embedding.weight", [
    config.max_position_embeddings,
    config.hidden_size,
  ]);
  const used = length === config.max_position_embeddings ? positions : graph.slice(positions, 0, 0, length);
  return encoderLayers(m, config, graph.add(tokens, used), range(0, config.num_hidden_layers - 1), mask);
}

function lastTextLayer(root: Module, config: ClipTextConfig, penultimate: Value, mask: Value): Value {
  const m = textTower(root);
  const last = config.num_hidden_layers - 1;
  const x = encoderLayers(m, config, penultimate, range(last, last + 1), mask);
  return layerNorm(m.in("final_layer_norm"), x, config.layer_norm_eps);
}

/** [L, L], added to scores: a token attends to itself and to earlier tokens. */
function causalMask(graph: GraphBuilder, length: number): Value {
  const future = Array.from({ length: length * length }, (_, i) =>
    i % length > Math.floor(i / length) ? masked : 0,
  );
  return graph.constant(future, [length, length]);
}

/**
 * transformers `CLIPVisionModelWithProjection`.
 *
 * @param pixels [N, 3, S, S], normalized according to preprocessor_config.json
 * @returns image embeddings [N, projectionDim]
 */
export function clipVisionEncoder(
  root: Module,
  config: ClipVisionConfig,
  pixels: Value,
  projectionDim: number,
): Value {
  const { graph } = root;
  const m = root.in("vision_model");
  const width = config.hidden_size;
  const batch = pixels.shape[0]!;
  const { patch_size: patch } = config;
  const grid = conv2d(m.in("embeddings.patch_embedding"), pixels, width, { kernel: patch, stride: patch });
  const count = grid.shape[2]! * grid.shape[3]!;
  const patches = graph.transpose(graph.reshape(grid, [batch, width, count]), [0, 2, 1]);
  const whole = graph.expand(m.weight("embeddings.class_embedding", [width]), [batch, 1, width]);
  const positions = m.weight("embeddings.position_embedding.weight", [count + 1, width]);
  const tokens = graph.add(graph.concat([whole, patches], 1), positions);
  const normalizedTokens = layerNorm(m.in("pre_layrnorm"), tokens, config.layer_norm_eps);
  const x = encoderLayers(m, config, normalizedTokens, range(0, config.num_hidden_layers));
  const pooled = graph.reshape(graph.slice(x, 1, 0, 1), [batch, width]);
  const normalized = layerNorm(m.in("post_layernorm"), pooled, config.layer_norm_eps);
  return linear(root.in("visual_projection"), normalized, projectionDim);
}

function encoderLayers(
  m: Module,
  config: ClipTextConfig | ClipVisionConfig,
  input: Value,
  layers: readonly number[],
  mask?: Value,
): Value {
  const { graph } = m;
  const width = config.hidden_size;
  let x = input;
  for (const layer of layers) {
    const block = m.in(`encoder.layers.${layer}`);
    const attention = block.in("self_attn");
    const own = layerNorm(block.in("layer_norm1"), x, config.layer_norm_eps);
    const [q, k, v] = ["q_proj", "k_proj", "v_proj"].map((name) => linear(attention.in(name), own, width));
    const mixed = multiHeadAttention(graph, q!, k!, v!, config.num_attention_heads, mask);
    x = graph.add(x, linear(attention.in("out_proj"), mixed, width));
    const inner = linear(
      block.in("mlp.fc1"),
      layerNorm(block.in("layer_norm2"), x, config.layer_norm_eps),
      config.intermediate_size,
    );
    x = graph.add(x, linear(block.in("mlp.fc2"), activate(m, inner, config.hidden_act), width));
  }
  return x;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
