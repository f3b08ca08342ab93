import { z } from "zod";

const positive = z.number().int().positive();
const hiddenAct = z.enum(["quick_gelu", "gelu", "silu", "relu"]);

/** Keys of every transformers config that do not change what a CLIP computes, over its versions. */
const withoutEffect = new Set([
  // Where the config comes from, and how the library loads it.
  ...["architectures", "model_type", "transformers_version", "dtype", "torch_dtype", "use_bfloat16"],
  ...["torchscript", "return_dict", "output_hidden_states", "output_attentions", "tokenizer_class"],
  ...["chunk_size_feed_forward", "tf_legacy_loss", "use_cache", "attn_implementation"],
  // Training.
  ...["initializer_range", "initializer_factor", "attention_dropout", "dropout", "logit_scale_init_value"],
  ...["gradient_checkpointing", "tie_word_embeddings", "tie_encoder_decoder"],
  // Classification, and token IDs, which the tokenizer's own files determine here.
  ...["finetuning_task", "id2label", "label2id", "num_labels", "problem_type", "task_specific_params"],
  ...["bos_token_id", "pad_token_id", "eos_token_id", "sep_token_id", "decoder_start_token_id", "prefix"],
  // Text generation.
  ...["max_length", "min_length", "do_sample", "early_stopping", "num_beams", "num_beam_groups"],
  ...["diversity_penalty", "temperature", "top_k", "top_p", "typical_p", "repetition_penalty"],
  ...["length_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "bad_words_ids"],
  ...["num_return_sequences", "output_scores", "return_dict_in_generate", "forced_bos_token_id"],
  ...["forced_eos_token_id", "remove_invalid_values", "exponential_decay_length_penalty"],
  ...["suppress_tokens", "begin_suppress_tokens", "cross_attention_hidden_size"],
  // The width of the shared space is that of the whole CLIP; a text encoder with a projection has its own.
  "projection_dim",
]);

/** Keys that are supported only with values that disable the feature. */
const disabled = {
  pruned_heads: z.strictObject({}).optional(),
  is_decoder: z.literal(false).optional(),
  is_encoder_decoder: z.literal(false).optional(),
  add_cross_attention: z.literal(false).optional(),
};

/** An object with exactly the keys of `shape`, besides those without effect. */
const configOf = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.preprocess(
    (json) =>
      json && typeof json === "object" && !Array.isArray(json)
        ? Object.fromEntries(
            Object.entries(json).filter(
              ([key]) => Object.hasOwn(shape, key) || !(key.startsWith("_") || withoutEffect.has(key)),
            ),
          )
        : json,
    z.strictObject({ ...disabled, ...shape }),
  );

/** transformers' defaults of CLIPTextConfig, which its newer versions leave out of a saved CLIPConfig. */
const textShape = {
  vocab_size: positive.default(49408),
  hidden_size: positive.default(512),
  intermediate_size: positive.default(2048),
  num_hidden_layers: positive.default(12),
  num_attention_heads: positive.default(8),
  max_position_embeddings: positive.default(77),
  layer_norm_eps: z.number().positive().default(1e-5),
  hidden_act: hiddenAct.default("quick_gelu"),
};

/** transformers' defaults of CLIPVisionConfig. */
const visionShape = {
  hidden_size: positive.default(768),
  intermediate_size: positive.default(3072),
  num_hidden_layers: positive.default(12),
  num_attention_heads: positive.default(12),
  num_channels: z.literal(3).default(3),
  image_size: positive.default(224),
  patch_size: positive.default(32),
  layer_norm_eps: z.number().positive().default(1e-5),
  hidden_act: hiddenAct.default("quick_gelu"),
};

/** `text_encoder/config.json` (transformers CLIPTextModel). */
export const clipTextConfigSchema = configOf(textShape);
export type ClipTextConfig = z.infer<typeof clipTextConfigSchema>;

/**
 * `text_encoder_2/config.json` (transformers CLIPTextModelWithProjection): the pooled text is projected to
 * `projection_dim`.
 */
export const clipTextWithProjectionConfigSchema = configOf({
  ...textShape,
  projection_dim: positive.default(512),
  /** The token at which the pooled text is read. 2 stands for the token with the highest ID. */
  eos_token_id: z.number().int().default(2),
});
export type ClipTextWithProjectionConfig = z.infer<typeof clipTextWithProjectionConfigSchema>;

export type ClipVisionConfig = ClipConfig["vision_config"];

/**
 * `clip/config.json` (transformers CLIPModel): both towers and the width of their shared space. As in
 * transformers, `text_config_dict` and `vision_config_dict` of older files replace the configs of the towers.
 */
export const clipConfigSchema = z.preprocess(
  (json) => {
    if (!json || typeof json !== "object") return json;
    const { text_config_dict: text, vision_config_dict: vision, ...rest } = json as Record<string, unknown>;
    return { ...rest, ...(text ? { text_config: text } : {}), ...(vision ? { vision_config: vision } : {}) };
  },
  configOf({
    projection_dim: positive.default(512),
    text_config: configOf(textShape).prefault({}),
    vision_config: configOf(visionShape).prefault({}),
  }),
);
export type ClipConfig = z.infer<typeof clipConfigSchema>;
