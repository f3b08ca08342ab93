import { GraphBuilder } from "../graph/graph-builder.ts";
import type { Graph, Value } from "../graph/value.ts";
import { clipTextEncoder, clipTokenEmbeddings, clipVisionEncoder } from "../models/clip.ts";
import {
  keysValuesWidth,
  projectKeysValues,
  splitKeysValues,
  type TextConditioning,
  textAttentions,
} from "../models/text-attention.ts";
import { unet2dCondition } from "../models/unet-2d-condition.ts";
import type { ClipModel } from "./clip-model.ts";
import type { ModelFolder } from "./model-folder.ts";

/** ids int64 [N, L] → hidden [N, L, d]. */
export function textEncoderGraph(
  { text }: ModelFolder,
  { batch, length }: { readonly batch: number; readonly length: number },
): Graph {
  const graph = new GraphBuilder("text_encoder");
  const m = text.component.module(graph);
  const ids = graph.input("ids", "int64", [batch, length]);
  graph.output("hidden", clipTextEncoder(m, text.config, clipTokenEmbeddings(m, text.config, ids)));
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

export interface UnetSize {
  readonly batch: number;
  /** In latents. */
  readonly height: number;
  readonly width: number;
}

/**
 * latents and image [N, C, h, w], timesteps [N], text [N, L, d] → prediction [N, C, h, w]. With `learnedRows` n also
 * learned [n, D]: keys and values for positions 1 … n of every sample's text.
 */
export function unetGraph(
  model: ModelFolder,
  { learnedRows, ...size }: UnetSize & { readonly learnedRows: number },
): Graph {
  const graph = new GraphBuilder("unet");
  const { batch } = size;
  const states = graph.input("text", "float32", [
    batch,
    model.tokenizer.maxLength,
    model.text.config.hidden_size,
  ]);
  const learned = learnedRows ? learnedInput(graph, model, "learned", learnedRows, batch) : undefined;
  graph.output("prediction", predictNoise(graph, model, size, { states, learned: learned?.byAttention }));
  return graph.build();
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

/** text [L, d] → rows [L, D]: the keys and values that every attention to the text projects from it. */
export function keysValuesGraph({ unet, tokenizer, text }: ModelFolder): Graph {
  const graph = new GraphBuilder("keys_values");
  const [length, width] = [tokenizer.maxLength, text.config.hidden_size];
  const states = graph.reshape(graph.input("text", "float32", [length, width]), [1, length, width]);
  const rows = projectKeysValues(unet.component.module(graph), unet.config, states);
  graph.output("rows", graph.reshape(rows, rows.shape.slice(1)));
  return graph.build();
}

/** Declares the inputs `latents`, `image` and `timesteps` and writes the UNet behind them. */
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
  return unet2dCondition(model.unet.component.module(graph), model.unet.config, {
    sample: graph.concat([latents, image], 1),
    timesteps,
    text,
  });
}

/** pixels [1, 3, S, S], normalised for CLIP → embedding [1, p]. */
export function clipImageGraph({ config, component }: ClipModel): Graph {
  const graph = new GraphBuilder("clip_image");
  const { vision_config: vision, projection_dim: width } = config;
  const pixels = graph.input("pixels", "float32", [1, 3, vision.image_size, vision.image_size]);
  graph.output("embedding", clipVisionEncoder(component.module(graph), vision, pixels, width));
  return graph.build();
}
