import { autoencoderLayout, secondTextEncoderLayout, unetLayout } from "./component-layouts.ts";
import type { ModelLayout } from "./model-layout.ts";
import {
  type AutoencoderSizes,
  autoencoderConfig,
  type ClipSizes,
  type ClipTowerSizes,
  clipComponents,
  clipTextConfig,
  clipVitL14,
  noiseSchedule,
  tinyClip,
} from "./published-configs.ts";

interface Sizes {
  readonly clip: ClipSizes;
  readonly secondText: ClipTowerSizes & { readonly projection_dim: number };
  readonly unet: {
    readonly block_out_channels: readonly number[];
    readonly norm_num_groups: number;
    readonly attention_head_dim: readonly number[];
    readonly transformer_layers_per_block: readonly number[];
    readonly addition_time_embed_dim: number;
    readonly sample_size: number;
  };
  readonly vae: AutoencoderSizes;
}

/**
 * InstructPix2Pix on Stable Diffusion XL base 1.0 (Podell et al. 2023), as diffusers trains it: the base
 * model with a UNet of eight input channels, 2,567,475,204 parameters, and the text towers of OpenCLIP
 * ViT-bigG/14 and CLIP ViT-L/14.
 */
export const sdxlInstructPix2Pix = (): ModelLayout =>
  layoutOf({
    clip: clipVitL14,
    secondText: {
      hidden_size: 1280,
      intermediate_size: 5120,
      num_hidden_layers: 32,
      num_attention_heads: 20,
      projection_dim: 1280,
    },
    unet: {
      block_out_channels: [320, 640, 1280],
      norm_num_groups: 32,
      attention_head_dim: [5, 10, 20],
      transformer_layers_per_block: [1, 2, 10],
      addition_time_embed_dim: 256,
      sample_size: 128,
    },
    vae: { block_out_channels: [128, 256, 512, 512], norm_num_groups: 32, sample_size: 1024 },
  });

/** The same family at a tiny size. */
export const tinySdxlInstructPix2Pix = (): ModelLayout => ({
  defaults: { resolution: 64 },
  ...layoutOf({
    clip: tinyClip,
    secondText: {
      hidden_size: 40,
      intermediate_size: 80,
      num_hidden_layers: 3,
      num_attention_heads: 4,
      projection_dim: 20,
    },
    unet: {
      block_out_channels: [8, 8, 16],
      norm_num_groups: 4,
      attention_head_dim: [1, 2, 4],
      transformer_layers_per_block: [1, 1, 2],
      addition_time_embed_dim: 8,
      sample_size: 8,
    },
    vae: { block_out_channels: [8, 8, 8, 16], norm_num_groups: 4, sample_size: 64 },
  }),
});

const version = { _diffusers_version: "0.19.0" };

function layoutOf({ clip, secondText, unet, vae }: Sizes): ModelLayout {
  const { projection_dim: pooled, ...tower } = secondText;
  const tokenizer = { vocabularySize: clip.vocabulary, maxLength: 77 };
  return {
    index: {
      _class_name: "StableDiffusionXLInstructPix2PixPipeline",
      ...version,
      force_zeros_for_empty_prompt: true,
      scheduler: ["diffusers", "EulerDiscreteScheduler"],
      text_encoder: ["transformers", "CLIPTextModel"],
      text_encoder_2: ["transformers", "CLIPTextModelWithProjection"],
      tokenizer: ["transformers", "CLIPTokenizer"],
      tokenizer_2: ["transformers", "CLIPTokenizer"],
      unet: ["diffusers", "UNet2DConditionModel"],
      vae: ["diffusers", "AutoencoderKL"],
    },
    scheduler: {
      _class_name: "EulerDiscreteScheduler",
      ...version,
      ...noiseSchedule,
      interpolation_type: "linear",
      sample_max_value: 1,
      timestep_spacing: "leading",
      use_karras_sigmas: false,
    },
    tokenizers: [
      { folder: "tokenizer", ...tokenizer },
      { folder: "tokenizer_2", ...tokenizer, padToken: "!" },
    ],
    components: [
      unetLayout({
        _class_name: "UNet2DConditionModel",
        ...version,
        act_fn: "silu",
        addition_embed_type: "text_time",
        ...unet,
        cross_attention_dim: clip.text.hidden_size + secondText.hidden_size,
        down_block_types: ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        flip_sin_to_cos: true,
        freq_shift: 0,
        in_channels: 8,
        layers_per_block: 2,
        mid_block_type: "UNetMidBlock2DCrossAttn",
        norm_eps: 1e-5,
        out_channels: 4,
        projection_class_embeddings_input_dim: pooled + 6 * unet.addition_time_embed_dim,
        resnet_time_scale_shift: "default",
        up_block_types: ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        upcast_attention: null,
        use_linear_projection: true,
      }),
      autoencoderLayout({ ...version, ...autoencoderConfig(vae, 0.13025), force_upcast: true }, "today's"),
      ...clipComponents(clip),
      secondTextEncoderLayout({
        architectures: ["CLIPTextModelWithProjection"],
        ...clipTextConfig(clip.vocabulary, tower, pooled),
        hidden_act: "gelu",
      }),
    ],
  };
}
