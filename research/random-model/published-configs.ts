import { clipLayout, textEncoderLayout } from "./component-layouts.ts";
import type { ComponentLayout } from "./model-layout.ts";

/** Configs that the published Stable Diffusion models share, except for sizes. */

export interface ClipTowerSizes {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
}

export interface ClipSizes {
  readonly vocabulary: number;
  readonly text: ClipTowerSizes;
  readonly vision: ClipTowerSizes & { readonly image_size: number; readonly patch_size: number };
  readonly projection_dim: number;
}

export interface AutoencoderSizes {
  readonly block_out_channels: readonly number[];
  readonly norm_num_groups: number;
  readonly sample_size: number;
}

/** `openai/clip-vit-large-patch14`. */
export const clipVitL14: ClipSizes = {
  vocabulary: 49_408,
  text: { hidden_size: 768, intermediate_size: 3072, num_hidden_layers: 12, num_attention_heads: 12 },
  vision: {
    hidden_size: 1024,
    intermediate_size: 4096,
    num_hidden_layers: 24,
    num_attention_heads: 16,
    image_size: 224,
    patch_size: 14,
  },
  projection_dim: 768,
};

export const tinyClip: ClipSizes = {
  vocabulary: 1_000,
  text: { hidden_size: 32, intermediate_size: 64, num_hidden_layers: 2, num_attention_heads: 4 },
  vision: {
    hidden_size: 24,
    intermediate_size: 48,
    num_hidden_layers: 2,
    num_attention_heads: 3,
    image_size: 32,
    patch_size: 8,
  },
  projection_dim: 24,
};

/** `scheduler_config.json` without its class. */
export const noiseSchedule = {
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  clip_sample: false,
  num_train_timesteps: 1000,
  prediction_type: "epsilon",
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
  trained_betas: null,
} as const;

/** `config.json` of a CLIP text encoder, alone or within a CLIP. */
export function clipTextConfig(vocabulary: number, sizes: ClipTowerSizes, projection_dim: number) {
  return {
    model_type: "clip_text_model",
    ...sizes,
    projection_dim,
    vocab_size: vocabulary,
    max_position_embeddings: 77,
    hidden_act: "quick_gelu",
    layer_norm_eps: 1e-5,
    initializer_range: 0.02,
    bos_token_id: 0,
    // Not the tokenizer's ID, but the value in the published files, which transformers reads as "the largest
    // ID".
    eos_token_id: 2,
    pad_token_id: 1,
  };
}

/** The text encoder, and the CLIP that contains it. */
export function clipComponents({ vocabulary, text, vision, projection_dim }: ClipSizes): ComponentLayout[] {
  const textConfig = clipTextConfig(vocabulary, text, projection_dim);
  return [
    textEncoderLayout({ architectures: ["CLIPTextModel"], ...textConfig }),
    clipLayout(
      {
        architectures: ["CLIPModel"],
        model_type: "clip",
        logit_scale_init_value: 2.6592,
        projection_dim,
        text_config: textConfig,
        vision_config: {
          model_type: "clip_vision_model",
          ...vision,
          projection_dim,
          num_channels: 3,
          hidden_act: "quick_gelu",
          layer_norm_eps: 1e-5,
          initializer_range: 0.02,
        },
      },
      {
        crop_size: vision.image_size,
        do_center_crop: true,
        do_normalize: true,
        do_resize: true,
        feature_extractor_type: "CLIPFeatureExtractor",
        image_mean: [0.48145466, 0.4578275, 0.40821073],
        image_std: [0.26862954, 0.26130258, 0.27577711],
        resample: 3,
        size: vision.image_size,
      },
    ),
  ];
}

export function autoencoderConfig(sizes: AutoencoderSizes, scaling_factor: number) {
  return {
    _class_name: "AutoencoderKL",
    act_fn: "silu",
    ...sizes,
    down_block_types: Array(4).fill("DownEncoderBlock2D"),
    in_channels: 3,
    latent_channels: 4,
    layers_per_block: 2,
    out_channels: 3,
    scaling_factor,
    up_block_types: Array(4).fill("UpDecoderBlock2D"),
  };
}
