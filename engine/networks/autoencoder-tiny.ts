import { z } from "zod";
import type { Value } from "../graph/value.ts";
import { activate, conv2d } from "./layers.ts";
import type { Module } from "./module.ts";
import { onePerLevel } from "./parse-config.ts";

const positive = z.number().int().positive();
const widths = z.array(positive).min(1).default([64, 64, 64, 64]);

/**
 * `vae/config.json` of diffusers' AutoencoderTiny (TAESD): an autoencoder distilled from another, about ten
 * times as fast.
 */
export const autoencoderTinyConfigSchema = z
  .strictObject({
    in_channels: z.literal(3).default(3),
    out_channels: z.literal(3).default(3),
    encoder_block_out_channels: widths,
    decoder_block_out_channels: widths,
    block_out_channels: z.array(positive).optional(),
    act_fn: z.enum(["relu", "silu", "swish", "gelu"]).default("relu"),
    upsample_fn: z.literal("nearest").default("nearest"),
    latent_channels: positive.default(4),
    upsampling_scaling_factor: z.literal(2).default(2),
    num_encoder_blocks: z.array(positive).min(1).default([1, 3, 3, 3]),
    num_decoder_blocks: z.array(positive).min(1).default([3, 3, 3, 1]),
    /** Used only to store latents as images, not in diffusion. */
    latent_magnitude: z.number().positive().default(3),
    latent_shift: z.number().default(0.5),
    force_upcast: z.boolean().optional(),
    scaling_factor: z.literal(1).default(1),
    shift_factor: z.literal(0).default(0),
  })
  .superRefine(onePerLevel("encoder_block_out_channels", "num_encoder_blocks"))
  .superRefine(onePerLevel("decoder_block_out_channels", "num_decoder_blocks"));
type AutoencoderTinyConfig = z.infer<typeof autoencoderTinyConfigSchema>;

const same = { kernel: 3, padding: 1 } as const;

/** Pixels [N, 3, H, W] in [−1, 1] → scaled latents [N, latent_channels, H/f, W/f], as diffusion uses them. */
export function encodeTiny(root: Module, config: AutoencoderTinyConfig, pixels: Value): Value {
  const { graph } = root;
  const layers = sequence(root.in("encoder.layers"));
  let x = graph.mul(graph.add(pixels, 1), 0.5);
  for (const [level, width] of config.encoder_block_out_channels.entries()) {
    x = conv2d(layers.next(), x, width, level === 0 ? same : { ...same, stride: 2 });
    for (let block = 0; block < config.num_encoder_blocks[level]!; block++)
      x = tinyBlock(layers.next(), config, x, width);
  }
  return conv2d(layers.next(), x, config.latent_channels, same);
}

/**
 * Scaled latents, as diffusion uses them, [N, latent_channels, h, w] → pixels [N, 3, h·f, w·f], about [−1,
 * 1].
 */
export function decodeTiny(root: Module, config: AutoencoderTinyConfig, latents: Value): Value {
  const { graph } = root;
  const layers = sequence(root.in("decoder.layers"));
  const channels = config.decoder_block_out_channels;
  // A soft clamp to ±3.
  const clamped = graph.mul(graph.tanh(graph.mul(latents, 1 / 3)), 3);
  let x = activate(root, conv2d(layers.next(), clamped, channels[0]!, same), config.act_fn);
  layers.next();
  for (const [level, width] of channels.entries()) {
    for (let block = 0; block < config.num_decoder_blocks[level]!; block++)
      x = tinyBlock(layers.next(), config, x, width);
    const last = level === channels.length - 1;
    if (!last) {
      x = graph.resize(x, 2);
      layers.next();
    }
    x = conv2d(layers.next(), x, last ? config.out_channels : width, same);
  }
  return graph.sub(graph.mul(x, 2), 1);
}

/** diffusers `AutoencoderTinyBlock`: three convolutions with a skip connection, always followed by ReLU. */
function tinyBlock(m: Module, config: AutoencoderTinyConfig, input: Value, width: number): Value {
  const convolutions = sequence(m.in("conv"));
  let x = conv2d(convolutions.next(), input, width, same);
  for (let repeat = 0; repeat < 2; repeat++) {
    convolutions.next();
    x = conv2d(convolutions.next(), activate(m, x, config.act_fn), width, same);
  }
  const skip = m.has("skip.weight") ? conv2d(m.in("skip"), input, width, { kernel: 1 }) : input;
  return m.graph.relu(m.graph.add(x, skip));
}

/** The indices of a torch `Sequential` in order; layers without weights count too. */
function sequence(m: Module): { next(): Module } {
  let index = 0;
  return { next: () => m.in(String(index++)) };
}
