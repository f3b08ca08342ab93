import { z } from "zod";
import type { Value } from "../graph/value.ts";
import { activate, conv2d, layerNorm, linear, plainResidual } from "./layers.ts";
import type { Module } from "./module.ts";
import { pixelUnshuffle } from "./pixel-shuffle.ts";

const positive = z.number().int().positive();

/** `pair_encoder/config.json` (`training/pair_encoder.py`). */
export const pairEncoderConfigSchema = z
  .strictObject({
    in_channels: z.literal(3),
    patch_size: positive,
    block_out_channels: z.array(positive).min(1),
    layers_per_block: z.array(z.number().int().nonnegative()),
    hidden_size: positive,
    num_tokens: positive,
    cross_attention_dim: positive,
  })
  .refine(
    ({ block_out_channels, layers_per_block }) => block_out_channels.length === layers_per_block.length,
    {
      path: ["layers_per_block"],
      error: "must have as many entries as block_out_channels",
    },
  );
export type PairEncoderConfig = z.infer<typeof pairEncoderConfigSchema>;

/** Added to a stage's variance before its square root, as in the PyTorch model. */
const varianceFloor = 1e-5;

/**
 * Encodes the edit of a pair in one pass: convolutions over before and after − before, then the mean and
 * standard deviation of every stage over the whole image. These describe the edit largely independent of
 * position.
 *
 *     x  = conv_in(unshuffle([before, after − before]))
 *          each stage: a convolution of stride 2, except in the first stage, then residual blocks
 *     s  = [mean₀, deviation₀, mean₁, deviation₁, …]
 *     y  = norm(fc_out(silu(fc2(silu(fc1(s))))))
 *
 * before and after [N, 3, H, W] in [−1, 1], sides multiples of patch_size → rows of a text embedding
 * [N, num_tokens, cross_attention_dim].
 */
export function encodePair(root: Module, config: PairEncoderConfig, before: Value, after: Value): Value {
  const { graph } = root;
  const { patch_size, block_out_channels, layers_per_block, hidden_size, num_tokens, cross_attention_dim } =
    config;
  const n = before.shape[0]!;
  const patches = pixelUnshuffle(graph, graph.concat([before, graph.sub(after, before)], 1), patch_size);
  let x = conv2d(root.in("conv_in"), patches, block_out_channels[0]!, { kernel: 3, padding: 1 });
  const statistics: Value[] = [];
  for (const [i, channels] of block_out_channels.entries()) {
    const stage = root.in(`stages.${i}`);
    if (i > 0) x = conv2d(stage.in("downsample"), x, channels, { kernel: 3, stride: 2, padding: 1 });
    for (let block = 0; block < layers_per_block[i]!; block++)
      x = plainResidual(stage.in(`blocks.${block}`), x);
    const mean = graph.reduceMean(x, [2, 3]);
    const centered = graph.sub(x, mean);
    const variance = graph.reduceMean(graph.mul(centered, centered), [2, 3]);
    for (const statistic of [mean, graph.sqrt(graph.add(variance, varianceFloor))])
      statistics.push(graph.reshape(statistic, [n, channels]));
  }
  const hidden = activate(root, linear(root.in("fc1"), graph.concat(statistics, 1), hidden_size), "silu");
  const again = activate(root, linear(root.in("fc2"), hidden, hidden_size), "silu");
  const rows = linear(root.in("fc_out"), again, num_tokens * cross_attention_dim);
  return layerNorm(root.in("norm"), graph.reshape(rows, [n, num_tokens, cross_attention_dim]), 1e-5);
}
