import { z } from "zod";
import type { Value } from "../graph/value.ts";
import { conv2d, plainResidual } from "./layers.ts";
import type { Module } from "./module.ts";
import { pixelShuffle, pixelUnshuffle } from "./pixel-shuffle.ts";

const positive = z.number().int().positive();
const count = z.number().int().nonnegative();

/** `vae/config.json` of the bundled model's autoencoder (`training/autoencoder.py`). */
export const patchAutoencoderConfigSchema = z.strictObject({
  patch_size: positive,
  in_channels: positive,
  out_channels: positive,
  latent_channels: positive,
  hidden_channels: positive,
  encoder_layers: count,
  decoder_layers: count,
  scaling_factor: z.number().positive(),
  shift_factor: z.number().nullish(),
});
type PatchAutoencoderConfig = z.infer<typeof patchAutoencoderConfigSchema>;

/**
 * A linear map of pixel patches (initialized with principal components, then trained) plus an optional branch
 * of residual convolutions. Deterministic. Pixels [N, 3, H, W] in [−1, 1] → latents [N, latent_channels, H/p,
 * W/p], unscaled.
 */
export function encodePatches(root: Module, config: PatchAutoencoderConfig, pixels: Value): Value {
  const patches = pixelUnshuffle(root.graph, pixels, config.patch_size);
  return project(
    root.in("encoder"),
    patches,
    config.latent_channels,
    config.hidden_channels,
    config.encoder_layers,
  );
}

/** Unscaled latents [N, latent_channels, h, w] → pixels [N, 3, h·p, w·p]. */
export function decodePatches(root: Module, config: PatchAutoencoderConfig, latents: Value): Value {
  const channels = config.out_channels * config.patch_size ** 2;
  const patches = project(
    root.in("decoder"),
    latents,
    channels,
    config.hidden_channels,
    config.decoder_layers,
  );
  return pixelShuffle(root.graph, patches, config.patch_size);
}

function project(m: Module, x: Value, channels: number, hidden: number, layers: number): Value {
  const same = { kernel: 3, padding: 1 };
  const straight = conv2d(m.in("proj"), x, channels, { kernel: 1 });
  if (!layers) return straight;
  let y = conv2d(m.in("conv_in"), x, hidden, same);
  for (let layer = 0; layer < layers; layer++) y = plainResidual(m.in(`blocks.${layer}`), y);
  return m.graph.add(straight, conv2d(m.in("conv_out"), y, channels, same));
}
