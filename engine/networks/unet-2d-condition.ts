import { InternalError, VisibleError } from "../errors.ts";
import type { Value } from "../graph/value.ts";
import { embedText, embedTimestep, textAndSize, timestepEmbedding } from "./embeddings.ts";
import { activate, conv2d, groupNorm } from "./layers.ts";
import type { Module } from "./module.ts";
import { type ResnetOptions, resnetBlock } from "./resnet-block.ts";
import type { TextConditioning } from "./text-attention.ts";
import { transformer2d } from "./transformer-2d.ts";
import type { UnetConfig } from "./unet-2d-condition-config.ts";

interface UnetInputs {
  /** [N, in_channels, h, w]: noisy latents, followed by the image's latents for InstructPix2Pix. */
  readonly sample: Value;
  /** float32 [N], in units of training timesteps. */
  readonly timesteps: Value;
  readonly text: TextConditioning;
  /** Image size in pixels, used by `addition_embed_type: text_time`. */
  readonly imageSize: ImageSize;
}

interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** Shared input of every block of a UNet. */
interface Context {
  readonly config: UnetConfig;
  readonly time: Value;
  readonly text: TextConditioning;
  readonly resnet: ResnetOptions;
}

/** Sides must be a multiple of this many latents, so that every downsampling halves evenly. */
export function latentMultiple(config: UnetConfig): number {
  return 2 ** (config.block_out_channels.length - 1);
}

/** diffusers `UNet2DConditionModel`: predicted noise or velocity, [N, out_channels, h, w]. */
export function unet2dCondition(m: Module, config: UnetConfig, inputs: UnetInputs): Value {
  const { graph } = m;
  const channels = config.block_out_channels;
  const context: Context = {
    config,
    time: timeEmbedding(m, config, inputs),
    text: inputs.text,
    resnet: {
      groups: config.norm_num_groups,
      epsilon: config.norm_eps,
      activation: config.act_fn,
      timeScaleShift: config.resnet_time_scale_shift,
      outputScale: config.resnet_out_scale_factor,
    },
  };
  const sample = config.center_input_sample ? graph.sub(graph.mul(inputs.sample, 2), 1) : inputs.sample;

  let x = conv2d(m.in("conv_in"), sample, channels[0]!, { kernel: 3, padding: 1 });
  const skips = [x];
  for (const level of channels.keys()) x = downBlock(m.in(`down_blocks.${level}`), x, level, context, skips);
  x = midBlock(m.in("mid_block"), x, context);
  for (const level of channels.keys()) x = upBlock(m.in(`up_blocks.${level}`), x, level, context, skips);
  const normalized = groupNorm(m.in("conv_norm_out"), x, config.norm_num_groups, config.norm_eps);
  return conv2d(m.in("conv_out"), activate(m, normalized, config.act_fn), config.out_channels, {
    kernel: 3,
    padding: 1,
  });
}

function timeEmbedding(m: Module, config: UnetConfig, { timesteps, text, imageSize }: UnetInputs): Value {
  const first = config.block_out_channels[0]!;
  const width = 4 * first;
  const order = { flipSinToCos: config.flip_sin_to_cos, freqShift: config.freq_shift };
  const time = embedTimestep(m.in("time_embedding"), timestepEmbedding(m, timesteps, first, order), width);
  const addition = m.in("add_embedding");
  switch (config.addition_embed_type) {
    case "text":
      return m.graph.add(time, embedText(addition, text, config.addition_embed_type_num_heads, width));
    case "text_time": {
      if (!text.pooled) throw new InternalError("a UNet with text_time needs the pooled text");
      const added = textAndSize(m, text.pooled, sizeNumbers(imageSize), addedWidth(config).number, order);
      return m.graph.add(time, embedTimestep(addition, added, width));
    }
    default:
      return time;
  }
}

/** Original height and width, top and left of the crop, target height and width: an uncropped image. */
function sizeNumbers({ height, width }: ImageSize): readonly number[] {
  return [height, width, 0, 0, height, width];
}

/**
 * Widths in the input of `add_embedding`: of one size number, and p, of the pooled text.
 *
 * @throws VisibleError for a config with `text_time` that lacks them
 */
export function addedWidth(config: UnetConfig): { readonly number: number; readonly pooled: number } {
  const { addition_time_embed_dim: number, projection_class_embeddings_input_dim: whole } = config;
  if (!number || !whole || whole <= 6 * number)
    throw new VisibleError(
      "unsupported_config",
      `The UNet's addition_embed_type is text_time, so its config.json must set addition_time_embed_dim (now ${number ?? "absent"}) ` +
        `and a projection_class_embeddings_input_dim of more than six times that (now ${whole ?? "absent"}).`,
    );
  return { number, pooled: whole - 6 * number };
}

function downBlock(m: Module, input: Value, level: number, context: Context, skips: Value[]): Value {
  const { config } = context;
  const channels = config.block_out_channels[level]!;
  const attends = config.down_block_types[level] === "CrossAttnDownBlock2D";
  let x = input;
  for (let layer = 0; layer < config.layers_per_block; layer++) {
    x = resnetBlock(m.in(`resnets.${layer}`), x, context.time, channels, context.resnet);
    if (attends) x = crossAttention(m.in(`attentions.${layer}`), x, level, context);
    skips.push(x);
  }
  if (level === config.block_out_channels.length - 1) return x;
  const padding = config.downsample_padding;
  x = conv2d(m.in("downsamplers.0.conv"), x, channels, { kernel: 3, stride: 2, padding });
  skips.push(x);
  return x;
}

function midBlock(m: Module, input: Value, context: Context): Value {
  const { config } = context;
  const level = config.block_out_channels.length - 1;
  const channels = config.block_out_channels[level]!;
  const resnet = { ...context.resnet, outputScale: config.mid_block_scale_factor };
  const first = resnetBlock(m.in("resnets.0"), input, context.time, channels, resnet);
  const mixed = crossAttention(m.in("attentions.0"), first, level, context);
  return resnetBlock(m.in("resnets.1"), mixed, context.time, channels, resnet);
}

/** `index` counts up-blocks from the deepest; the channels are those of the mirrored down-block. */
function upBlock(m: Module, input: Value, index: number, context: Context, skips: Value[]): Value {
  const { graph } = m;
  const { config } = context;
  const levels = config.block_out_channels.length;
  const level = levels - 1 - index;
  const channels = config.block_out_channels[level]!;
  const attends = config.up_block_types[index] === "CrossAttnUpBlock2D";
  let x = input;
  for (let layer = 0; layer <= config.layers_per_block; layer++) {
    x = graph.concat([x, skips.pop()!], 1);
    x = resnetBlock(m.in(`resnets.${layer}`), x, context.time, channels, context.resnet);
    if (attends) x = crossAttention(m.in(`attentions.${layer}`), x, level, context);
  }
  if (index === levels - 1) return x;
  return conv2d(m.in("upsamplers.0.conv"), graph.resize(x, 2), channels, { kernel: 3, padding: 1 });
}

function crossAttention(m: Module, x: Value, level: number, { config, text }: Context): Value {
  return transformer2d(m, x, text, {
    heads: atLevel(config.num_attention_heads ?? config.attention_head_dim, level),
    layers: atLevel(config.transformer_layers_per_block, level),
    groups: config.norm_num_groups,
    linearProjection: config.use_linear_projection,
  });
}

function atLevel(setting: number | readonly number[], level: number): number {
  return typeof setting === "number" ? setting : setting[level]!;
}
