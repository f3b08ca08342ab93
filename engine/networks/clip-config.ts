import { z } from "zod";

const positive = z.number().int().positive();
const hiddenAct = z.enum(["quick_gelu", "gelu", "silu", "relu"]);

/** Config keys of a CLIP tower's encoder. */
const towerShape = {
  hidden_size: positive,
  intermediate_size: positive,
  num_hidden_layers: positive,
  num_attention_heads: positive,
  layer_norm_eps: z.number().positive().default(1e-5),
  hidden_act: hiddenAct.default("quick_gelu"),
};

/**
 * `text_encoder/config.json` (transformers CLIPTextModel). transformers' configs have dozens of generation
 * keys, so unknown keys are allowed.
 */
export const clipTextConfigSchema = z.object({
  ...towerShape,
  vocab_size: positive,
  max_position_embeddings: positive.default(77),
});
export type ClipTextConfig = z.infer<typeof clipTextConfigSchema>;

/** `text_encoder_2/config.json` (transformers CLIPTextModelWithProjection): the pooled text is projected to `projection_dim`. */
export const clipTextWithProjectionConfigSchema = clipTextConfigSchema.extend({ projection_dim: positive });
export type ClipTextWithProjectionConfig = z.infer<typeof clipTextWithProjectionConfigSchema>;

const clipVisionConfigSchema = z.object({
  ...towerShape,
  image_size: positive,
  patch_size: positive,
  num_channels: z.literal(3).default(3),
});
export type ClipVisionConfig = z.infer<typeof clipVisionConfigSchema>;

/** `clip/config.json` (transformers CLIPModel): both towers and the width of their shared space. */
export const clipConfigSchema = z.object({
  projection_dim: positive,
  text_config: clipTextConfigSchema,
  vision_config: clipVisionConfigSchema,
});
export type ClipConfig = z.infer<typeof clipConfigSchema>;
