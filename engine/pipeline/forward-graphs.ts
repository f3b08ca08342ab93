import type { Graph } from "../graph/graph.ts";
import { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";
import {
  clipLastTextLayer,
  clipPenultimateText,
  clipTextEncoder,
  clipTokenEmbeddings,
  clipVisionEncoder,
} from "../networks/clip.ts";
import { linear } from "../networks/layers.ts";
import { encodePair } from "../networks/pair-encoder.ts";
import { castConditioning, floatTypeOf } from "../networks/precision.ts";
import {
  keysValuesWidth,
  projectKeysValues,
  splitKeysValues,
  type TextConditioning,
  textAttentions,
} from "../networks/text-attention.ts";
import { unet2dCondition } from "../networks/unet-2d-condition.ts";
import type { ClipModel } from "./clip-model.ts";
import type { ModelFolder } from "./model-folder.ts";
import type { PairEncoderModel } from "./pair-encoder-model.ts";

/**
 * ids int64 [N, L] → hidden [N, L, d]. In Stable Diffusion XL also ids_2 [N, L] of the second tokenizer and
 * ends int64 [N], the index of each text's first EOS among all N · L positions → pooled [N, p].
 */
export function textEncoderGraph(
  { text, secondText }: ModelFolder,
  { batch, length }: { readonly batch: number; readonly length: number },
): Graph {
  const graph = new GraphBuilder("text_encoder");
  const m = text.component.module(graph);
  const tokens = clipTokenEmbeddings(m, text.config, graph.input("ids", "int64", [batch, length]));
  if (!secondText) {
    graph.output("hidden", clipTextEncoder(m, text.config, tokens));
    return graph.build();
  }
  const { component, config } = secondText;
  const second = component.module(graph);
  const ids = graph.input("ids_2", "int64", [batch, length]);
  const ends = graph.input("ends", "int64", [batch]);
  const first = clipPenultimateText(m, text.config, tokens);
  const states = clipPenultimateText(second, config, clipTokenEmbeddings(second, config, ids));
  const last = clipLastTextLayer(second, config, states);
  const { hidden_size: width, projection_dim: pooled } = config;
  const atEnds = graph.gather(graph.reshape(last, [batch * length, width]), ends);
  graph.output("hidden", graph.concat([first, states], 2));
  graph.output("pooled", linear(second.in("text_projection"), atEnds, pooled));
  return graph.build();
}

/** pixels [1, 3, H, W] in [−1, 1] → latents [1, C, h, w], unscaled. */
export function encoderGraph({ vae }: ModelFolder, height: number, width: number): Graph {
  const graph = new GraphBuilder("vae_encoder");
  const pixels = graph.input("pixels", "float32", [1, 3, height, width]);
  graph.output("latents", vae.autoencoder.encode(vae.component.module(graph), pixels));
  return graph.build();
}

/** latents [1, C, h, w], unscaled → pixels [1, 3, H, W]. */
export function decoderGraph({ vae }: ModelFolder, height: number, width: number): Graph {
  const graph = new GraphBuilder("vae_decoder");
  const latents = graph.input("latents", "float32", [1, vae.autoencoder.latentChannels, height, width]);
  graph.output("pixels", vae.autoencoder.decode(vae.component.module(graph), latents));
  return graph.build();
}

/** d: width of the text embedding, over all text encoders. */
export function textWidth({ text, secondText }: ModelFolder): number {
  return text.config.hidden_size + (secondText?.config.hidden_size ?? 0);
}

export interface UnetSize {
  readonly batch: number;
  /** In latents. */
  readonly height: number;
  readonly width: number;
}

/**
 * latents and image [N, C, h, w], timesteps [N], text [N, L, d], in Stable Diffusion XL pooled [N, p] →
 * prediction [N, C, h, w]. With `learnedRows` n also learned [n, D]: keys and values for positions 1 … n of
 * every sample's text.
 */
export function unetGraph(
  model: ModelFolder,
  { learnedRows, ...size }: UnetSize & { readonly learnedRows: number },
): Graph {
  const graph = new GraphBuilder("unet");
  const { batch } = size;
  const states = graph.input("text", "float32", [batch, model.tokenizer.maxLength, textWidth(model)]);
  const learned = learnedRows ? learnedInput(graph, model, "learned", learnedRows, batch) : undefined;
  const pooled = pooledInput(graph, model, batch);
  const text = { states, pooled, learned: learned?.byAttention };
  graph.output("prediction", predictNoise(graph, model, size, text));
  return graph.build();
}

/** Declares Stable Diffusion XL's input `pooled`, the pooled texts [N, p]. */
export function pooledInput(
  graph: GraphBuilder,
  { secondText }: ModelFolder,
  batch: number,
): Value | undefined {
  return secondText && graph.input("pooled", "float32", [batch, secondText.config.projection_dim]);
}

/** Declares the input `name`, rows [n, D] of keys and values, and repeats it for every sample. */
export function learnedInput(
  graph: GraphBuilder,
  { unet }: ModelFolder,
  name: string,
  rows: number,
  batch: number,
): { readonly input: Value; readonly byAttention: NonNullable<TextConditioning["learned"]> } {
  const attentions = textAttentions(unet.config);
  const width = keysValuesWidth(attentions);
  const input = graph.input(name, "float32", [rows, width]);
  const repeated = graph.expand(graph.reshape(input, [1, rows, width]), [batch, rows, width]);
  return { input, byAttention: splitKeysValues(graph, repeated, attentions) };
}

/** text [L, d] → rows [L, D]: keys and values of every cross-attention layer. */
export function keysValuesGraph(model: ModelFolder): Graph {
  const graph = new GraphBuilder("keys_values");
  const { unet, tokenizer, precision } = model;
  const [length, width] = [tokenizer.maxLength, textWidth(model)];
  const states = graph.reshape(graph.input("text", "float32", [length, width]), [1, length, width]);
  const dtype = floatTypeOf[precision];
  const m = unet.component.module(graph, dtype);
  const rows = graph.cast(projectKeysValues(m, unet.config, graph.cast(states, dtype)), "float32");
  graph.output("rows", graph.reshape(rows, rows.shape.slice(1)));
  return graph.build();
}

/**
 * Declares the inputs `latents`, `image` and `timesteps` and appends the UNet, with float32 input and output.
 */
export function predictNoise(
  graph: GraphBuilder,
  model: ModelFolder,
  size: UnetSize,
  text: TextConditioning,
): Value {
  const shape = [size.batch, model.vae.autoencoder.latentChannels, size.height, size.width];
  const latents = graph.input("latents", "float32", shape);
  const image = graph.input("image", "float32", shape);
  const timesteps = graph.input("timesteps", "float32", [size.batch]);
  const dtype = floatTypeOf[model.precision];
  const { factor } = model.vae.autoencoder;
  const prediction = unet2dCondition(model.unet.component.module(graph, dtype), model.unet.config, {
    sample: graph.cast(graph.concat([latents, image], 1), dtype),
    timesteps,
    text: castConditioning(graph, text, dtype),
    imageSize: { height: size.height * factor, width: size.width * factor },
  });
  return graph.cast(prediction, "float32");
}

/** before and after [1, 3, H, W] in [−1, 1] → rows [n, d] of a text embedding, from the pair encoder. */
export function pairEncoderGraph(
  { config, component }: PairEncoderModel,
  height: number,
  width: number,
): Graph {
  const graph = new GraphBuilder("pair_encoder");
  const before = graph.input("before", "float32", [1, 3, height, width]);
  const after = graph.input("after", "float32", [1, 3, height, width]);
  const rows = encodePair(component.module(graph), config, before, after);
  graph.output("rows", graph.reshape(rows, rows.shape.slice(1)));
  return graph.build();
}

/** pixels [1, 3, S, S], normalized for CLIP → embedding [1, p]. */
export function clipImageGraph({ config, component }: ClipModel): Graph {
  const graph = new GraphBuilder("clip_image");
  const { vision_config: vision, projection_dim: width } = config;
  const pixels = graph.input("pixels", "float32", [1, 3, vision.image_size, vision.image_size]);
  graph.output("embedding", clipVisionEncoder(component.module(graph), vision, pixels, width));
  return graph.build();
}
