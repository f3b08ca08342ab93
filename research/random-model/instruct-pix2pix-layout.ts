import { autoencoderLayout, unetLayout } from "./component-layouts.ts";
import type { ModelLayout } from "./model-layout.ts";
import {
  type AutoencoderSizes,
  autoencoderConfig,
  type ClipSizes,
  clipComponents,
  clipVitL14,
  noiseSchedule,
  tinyClip,
} from "./published-configs.ts";

/** The sizes that differ between models of this family. */
interface Sizes {
  readonly clip: ClipSizes;
  readonly unet: { readonly block_out_channels: readonly number[]; readonly norm_num_groups: number };
  readonly vae: AutoencoderSizes;
}

/**
 * `timbrooks/instruct-pix2pix` (Brooks et al. 2023): Stable Diffusion 1.5 with a UNet of eight input
 * channels, 859,532,484 parameters; with `openai/clip-vit-large-patch14` in `clip/`.
 */
export const instructPix2Pix = (): ModelLayout =>
  layoutOf({
    clip: clipVitL14,
    unet: { block_out_channels: [320, 640, 1280, 1280], norm_num_groups: 32 },
    vae: { block_out_channels: [128, 256, 512, 512], norm_num_groups: 32, sample_size: 512 },
  });

/** The same family at a tiny size, for tests of the surrounding code. */
export const tinyInstructPix2Pix = (): ModelLayout => ({
  defaults: { resolution: 64 },
  ...layoutOf({
    clip: tinyClip,
    unet: { block_out_channels: [8, 8, 16, 16], norm_num_groups: 4 },
    vae: { block_out_channels: [8, 8, 8, 16], norm_num_groups: 4, sample_size: 64 },
  }),
});

function layoutOf({ clip, unet, vae }: Sizes): ModelLayout {
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
      ...noiseSchedule,
    },
    tokenizers: [{ folder: "tokenizer", vocabularySize: clip.vocabulary, maxLength: 77 }],
    components: [
      unetLayout({
        _class_name: "UNet2DConditionModel",
        _diffusers_version: "0.13.0",
        act_fn: "silu",
        attention_head_dim: 8,
        ...unet,
        center_input_sample: false,
        class_embed_type: null,
        cross_attention_dim: clip.text.hidden_size,
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
      autoencoderLayout({ _diffusers_version: "0.13.0", ...autoencoderConfig(vae, 0.18215) }, "before 0.15"),
      ...clipComponents(clip),
    ],
  };
}
