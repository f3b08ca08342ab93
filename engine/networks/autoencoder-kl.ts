import { z } from "zod";
import type { Value } from "../graph/value.ts";
import { multiHeadAttention } from "./attention.ts";
import { type Activation, activate, conv2d, groupNorm, linear } from "./layers.ts";
import type { Module } from "./module.ts";
import { onePerLevel } from "./parse-config.ts";
import { type ResnetOptions, resnetBlock } from "./resnet-block.ts";

const positive = z.number().int().positive();

/** `vae/config.json` of diffusers' AutoencoderKL. */
export const autoencoderKlConfigSchema = z
  .strictObject({
    in_channels: positive.default(3),
    out_channels: positive.default(3),
    down_block_types: z.array(z.literal("DownEncoderBlock2D")).default(["DownEncoderBlock2D"]),
    up_block_types: z.array(z.literal("UpDecoderBlock2D")).default(["UpDecoderBlock2D"]),
    block_out_channels: z.array(positive).min(1).default([64]),
    layers_per_block: positive.default(1),
    act_fn: z.enum(["silu", "swish", "gelu", "relu"]).default("silu"),
    latent_channels: positive.default(4),
    norm_num_groups: positive.default(32),
    scaling_factor: z.number().positive().default(0.18215),
    shift_factor: z.number().nullish(),
    use_quant_conv: z.boolean().default(true),
    use_post_quant_conv: z.boolean().default(true),
    mid_block_add_attention: z.boolean().default(true),
    sample_size: z.union([positive, z.array(positive)]).nullish(),
    force_upcast: z.boolean().optional(),
    latents_mean: z.null().optional(),
    latents_std: z.null().optional(),
  })
  .superRefine(onePerLevel("block_out_channels", "down_block_types", "up_block_types"));
type AutoencoderKlConfig = z.infer<typeof autoencoderKlConfigSchema>;

const epsilon = 1e-6;
const same = { kernel: 3, padding: 1 } as const;

/**
 * Pixels [N, 3, H, W] in [−1, 1] → the mode of the latent distribution, [N, latent_channels, H/f, W/f],
 * unscaled.
 */
export function encodeKl(root: Module, config: AutoencoderKlConfig, pixels: Value): Value {
  const m = root.in("encoder");
  const channels = config.block_out_channels;
  let x = conv2d(m.in("conv_in"), pixels, channels[0]!, same);
  for (const [level, width] of channels.entries()) {
    const block = m.in(`down_blocks.${level}`);
    for (let layer = 0; layer < config.layers_per_block; layer++)
      x = resnetBlock(block.in(`resnets.${layer}`), x, undefined, width, resnetOptions(config));
    // The encoder pads only on the right and at the bottom before it downsamples.
    if (level < channels.length - 1)
      x = conv2d(block.in("downsamplers.0.conv"), x, width, { kernel: 3, stride: 2, padding: [0, 0, 1, 1] });
  }
  x = midBlock(m.in("mid_block"), config, x);
  const moments = outConv(m, config, x, 2 * config.latent_channels);
  const quantized = config.use_quant_conv
    ? conv2d(root.in("quant_conv"), moments, 2 * config.latent_channels, { kernel: 1 })
    : moments;
  return root.graph.slice(quantized, 1, 0, config.latent_channels);
}

/** Unscaled latents [N, latent_channels, h, w] → pixels [N, 3, h·f, w·f], about [−1, 1]. */
export function decodeKl(root: Module, config: AutoencoderKlConfig, latents: Value): Value {
  const m = root.in("decoder");
  const channels = config.block_out_channels.toReversed();
  let x = config.use_post_quant_conv
    ? conv2d(root.in("post_quant_conv"), latents, config.latent_channels, { kernel: 1 })
    : latents;
  x = midBlock(m.in("mid_block"), config, conv2d(m.in("conv_in"), x, channels[0]!, same));
  for (const [index, width] of channels.entries()) {
    const block = m.in(`up_blocks.${index}`);
    for (let layer = 0; layer <= config.layers_per_block; layer++)
      x = resnetBlock(block.in(`resnets.${layer}`), x, undefined, width, resnetOptions(config));
    if (index < channels.length - 1)
      x = conv2d(block.in("upsamplers.0.conv"), root.graph.resize(x, 2), width, same);
  }
  return outConv(m, config, x, config.out_channels);
}

function resnetOptions(config: AutoencoderKlConfig): ResnetOptions {
  const activation: Activation = config.act_fn;
  return { groups: config.norm_num_groups, epsilon, activation, timeScaleShift: "default", outputScale: 1 };
}

function outConv(m: Module, config: AutoencoderKlConfig, x: Value, channels: number): Value {
  const normalized = groupNorm(m.in("conv_norm_out"), x, config.norm_num_groups, epsilon);
  return conv2d(m.in("conv_out"), activate(m, normalized, config.act_fn), channels, same);
}

function midBlock(m: Module, config: AutoencoderKlConfig, input: Value): Value {
  const width = config.block_out_channels.at(-1)!;
  const first = resnetBlock(m.in("resnets.0"), input, undefined, width, resnetOptions(config));
  const mixed = config.mid_block_add_attention
    ? spatialAttention(m.in("attentions.0"), config, first)
    : first;
  return resnetBlock(m.in("resnets.1"), mixed, undefined, width, resnetOptions(config));
}

/** A single head over all pixels. Checkpoints of early 2023 use older names for the projections. */
function spatialAttention(m: Module, config: AutoencoderKlConfig, x: Value): Value {
  const { graph } = m;
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const names = m.has("to_q.weight")
    ? (["to_q", "to_k", "to_v", "to_out.0"] as const)
    : (["query", "key", "value", "proj_attn"] as const);
  const normalized = groupNorm(m.in("group_norm"), x, config.norm_num_groups, epsilon);
  const tokens = graph.reshape(graph.transpose(normalized, [0, 2, 3, 1]), [n, h * w, c]);
  const [q, k, v] = names.slice(0, 3).map((name) => linear(m.in(name), tokens, c)) as [Value, Value, Value];
  const mixed = linear(m.in(names[3]), multiHeadAttention(graph, q, k, v, 1), c);
  return graph.add(graph.transpose(graph.reshape(mixed, [n, h, w, c]), [0, 3, 1, 2]), x);
}
