import { z } from "zod";
import { onePerLevel } from "./parse-config.ts";

/** For keys that the engine does not support: accepts only the values that disable the feature. */
const only = <const V extends string | number | boolean | null>(...values: [V, ...V[]]) =>
  z.union(values.map((value) => z.literal(value))).optional();

const positive = z.number().int().positive();
const down = z.enum(["CrossAttnDownBlock2D", "DownBlock2D"]);
const up = z.enum(["CrossAttnUpBlock2D", "UpBlock2D"]);

/** `unet/config.json` of diffusers' UNet2DConditionModel, with diffusers' defaults. */
export const unetConfigSchema = z
  .strictObject({
    in_channels: positive.default(4),
    out_channels: positive.default(4),
    center_input_sample: z.boolean().default(false),
    flip_sin_to_cos: z.boolean().default(true),
    freq_shift: z.number().default(0),
    down_block_types: z
      .array(down)
      .default(["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"]),
    mid_block_type: z.literal("UNetMidBlock2DCrossAttn").default("UNetMidBlock2DCrossAttn"),
    up_block_types: z
      .array(up)
      .default(["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]),
    block_out_channels: z.array(positive).min(1).default([320, 640, 1280, 1280]),
    layers_per_block: positive.default(2),
    downsample_padding: z.literal(1).default(1),
    mid_block_scale_factor: z.number().positive().default(1),
    act_fn: z.enum(["silu", "swish", "gelu", "relu"]).default("silu"),
    norm_num_groups: positive.default(32),
    norm_eps: z.number().positive().default(1e-5),
    cross_attention_dim: positive.default(1280),
    transformer_layers_per_block: z.union([positive, z.array(positive)]).default(1),
    /** Despite its name, the number of heads, unless `num_attention_heads` is given. */
    attention_head_dim: z.union([positive, z.array(positive)]).default(8),
    num_attention_heads: z.union([positive, z.array(positive)]).nullish(),
    use_linear_projection: z.boolean().default(false),
    addition_embed_type: z.enum(["text", "text_time"]).nullish(),
    addition_embed_type_num_heads: positive.default(64),
    /**
     * `text_time`: width of the sinusoidal embedding of one size number. The total width is that of the
     * pooled text and six of these.
     */
    addition_time_embed_dim: positive.nullish(),
    projection_class_embeddings_input_dim: positive.nullish(),
    resnet_time_scale_shift: z.enum(["default", "scale_shift"]).default("default"),
    resnet_out_scale_factor: z.number().positive().default(1),

    sample_size: z.union([positive, z.array(positive)]).nullish(),
    dropout: z.number().optional(),
    upcast_attention: z.boolean().nullish(),
    encoder_hid_dim: only(null),
    encoder_hid_dim_type: only(null),
    only_cross_attention: only(false),
    dual_cross_attention: only(false),
    class_embed_type: only(null),
    num_class_embeds: only(null),
    class_embeddings_concat: only(false),
    reverse_transformer_layers_per_block: only(null),
    resnet_skip_time_act: only(false),
    time_embedding_type: only("positional"),
    time_embedding_dim: only(null),
    time_embedding_act_fn: only(null),
    timestep_post_act: only(null),
    time_cond_proj_dim: only(null),
    conv_in_kernel: only(3),
    conv_out_kernel: only(3),
    attention_type: only("default"),
    mid_block_only_cross_attention: only(null, false),
    cross_attention_norm: only(null),
  })
  .superRefine(
    onePerLevel(
      "block_out_channels",
      "down_block_types",
      "up_block_types",
      "transformer_layers_per_block",
      "attention_head_dim",
      "num_attention_heads",
    ),
  );

export type UnetConfig = z.infer<typeof unetConfigSchema>;
