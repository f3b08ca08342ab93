import { autoencoderLayout, clipLayout, textEncoderLayout, unetLayout } from "./component-layouts.ts";
import type { ModelLayout } from "./model-layout.ts";

/** The sizes in which models of this family differ. */
interface Sizes {
  readonly vocabulary: number;
  readonly unet: { readonly block_out_channels: readonly number[]; readonly norm_num_groups: number };
  readonly vae: {
    readonly block_out_channels: readonly number[];
    readonly norm_num_groups: number;
    readonly sample_size: number;
  };
  readonly text: ClipTowerSizes;
  readonly vision: ClipTowerSizes & { readonly image_size: number; readonly patch_size: number };
  readonly projection_dim: number;
}

interface ClipTowerSizes {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
}

/**
 * `timbrooks/instruct-pix2pix` (Brooks et al. 2023): Stable Diffusion 1.5's parts with a UNet of eight input channels,
 * 859,532,484 parameters; beside it `clip/`, `openai/clip-vit-large-patch14` whole.
 */
export const instructPix2Pix = (): ModelLayout =>
  layoutOf({
    vocabulary: 49_408,
    unet: { block_out_channels: [320, 640, 1280, 1280], norm_num_groups: 32 },
    vae: { block_out_channels: [128, 256, 512, 512], norm_num_groups: 32, sample_size: 512 },
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
  });

/** The same family at some hundred-thousandths of the work: for tests of what happens around a model. */
export const tinyInstructPix2Pix = (): ModelLayout => ({
  defaults: { resolution: 64 },
  ...layoutOf({
    vocabulary: 1_000,
    unet: { block_out_channels: [8, 8, 16, 16], norm_num_groups: 4 },
    vae: { block_out_channels: [8, 8, 8, 16], norm_num_groups: 4, sample_size: 64 },
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
  }),
});

function layoutOf({ vocabulary, unet, vae, text, vision, projection_dim }: Sizes): ModelLayout {
  const textConfig = {
    model_type: "clip_text_model",
    ...text,
    projection_dim,
    vocab_size: vocabulary,
    max_position_embeddings: 77,
    hidden_act: "quick_gelu",
    layer_norm_eps: 1e-5,
    initializer_range: 0.02,
    bos_token_id: 0,
    // Not the tokenizer's id: the value in the published files, which transformers reads as "the largest id".
    eos_token_id: 2,
    pad_token_id: 1,
  };
  return {
    index: {
      _class_name: "StableDiffusionInstructPix2PixPipeline",
      _diffusers_version: "0.13.0",
      feature_extractor: [null, null],
      safety_checker: [null, null],
      scheduler: ["diffusers", "EulerAncestralDiscreteScheduler"],
      text_encoder: ["transformers", "CLIPTextModel"],
      tokenizer: ["transformers", "CLIPTokenizer"],
      unet: ["diffusers", "UNet2DConditionModel"],
      vae: ["diffusers", "AutoencoderKL"],
      requires_safety_checker: false,
    },
    scheduler: {
      _class_name: "EulerAncestralDiscreteScheduler",
      _diffusers_version: "0.13.0",
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
    },
    tokenizer: { vocabularySize: vocabulary, maxLength: 77 },
    components: [
      unetLayout({
        _class_name: "UNet2DConditionModel",
        _diffusers_version: "0.13.0",
        act_fn: "silu",
        attention_head_dim: 8,
        ...unet,
        center_input_sample: false,
        class_embed_type: null,
        cross_attention_dim: text.hidden_size,
        down_block_types: [
          "CrossAttnDownBlock2D",
          "CrossAttnDownBlock2D",
          "CrossAttnDownBlock2D",
          "DownBlock2D",
        ],
        downsample_padding: 1,
        dual_cross_attention: false,
        flip_sin_to_cos: true,
        freq_shift: 0,
        in_channels: 8,
        layers_per_block: 2,
        mid_block_scale_factor: 1,
        mid_block_type: "UNetMidBlock2DCrossAttn",
        norm_eps: 1e-5,
        num_class_embeds: null,
        only_cross_attention: false,
        out_channels: 4,
        resnet_time_scale_shift: "default",
        sample_size: vae.sample_size / 8,
        up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
        upcast_attention: false,
        use_linear_projection: false,
      }),
      autoencoderLayout({
        _class_name: "AutoencoderKL",
        _diffusers_version: "0.13.0",
        act_fn: "silu",
        ...vae,
        down_block_types: Array(4).fill("DownEncoderBlock2D"),
        in_channels: 3,
        latent_channels: 4,
        layers_per_block: 2,
        out_channels: 3,
        scaling_factor: 0.18215,
        up_block_types: Array(4).fill("UpDecoderBlock2D"),
      }),
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
    ],
  };
}
