import type { z } from "zod";
import { autoencoderKlConfigSchema, decodeKl, encodeKl } from "../../engine/networks/autoencoder-kl.ts";
import { clipTextEncoder, clipTokenEmbeddings, clipVisionEncoder } from "../../engine/networks/clip.ts";
import {
  type ClipTextConfig,
  type ClipVisionConfig,
  clipConfigSchema,
  clipTextConfigSchema,
  clipTextWithProjectionConfigSchema,
} from "../../engine/networks/clip-config.ts";
import type { Module } from "../../engine/networks/module.ts";
import { parseConfig } from "../../engine/networks/parse-config.ts";
import { addedWidth, unet2dCondition } from "../../engine/networks/unet-2d-condition.ts";
import { unetConfigSchema } from "../../engine/networks/unet-2d-condition-config.ts";
import { listTensors, positionIds, type TensorSpec } from "./list-tensors.ts";
import type { ComponentLayout } from "./model-layout.ts";

/** Weights do not depend on the image size, so their names are collected at the smallest valid size. */
const side = 64;

type Json = Readonly<Record<string, unknown>>;

const parsed = <T>(json: Json, schema: z.ZodType<T>, folder: string): T =>
  parseConfig(json, schema, `${folder}/config.json`);

export function unetLayout(json: Json): ComponentLayout {
  const config = parsed(json, unetConfigSchema, "unet");
  return {
    folder: "unet",
    weights: "diffusion_pytorch_model",
    configs: { "config.json": json },
    label: "unet",
    tensors: () =>
      listTensors((m) => {
        const { graph } = m;
        unet2dCondition(m, config, {
          sample: graph.input("sample", "float32", [1, config.in_channels, side, side]),
          timesteps: graph.input("timesteps", "float32", [1]),
          text: {
            states: graph.input("text", "float32", [1, 1, config.cross_attention_dim]),
            pooled:
              config.addition_embed_type === "text_time"
                ? graph.input("pooled", "float32", [1, addedWidth(config).pooled])
                : undefined,
          },
          imageSize: { height: side, width: side },
        });
      }, /\.to_[qkv]\.bias$/),
  };
}

/** @param attentionNames names of diffusers before 0.15, as in the models of early 2023, or current names */
export function autoencoderLayout(json: Json, attentionNames: "before 0.15" | "today's"): ComponentLayout {
  const config = parsed(json, autoencoderKlConfigSchema, "vae");
  return {
    folder: "vae",
    weights: "diffusion_pytorch_model",
    configs: { "config.json": json },
    label: "vae",
    tensors: () =>
      listTensors(
        (m) => {
          const { graph } = m;
          encodeKl(m, config, graph.input("pixels", "float32", [1, config.in_channels, side, side]));
          decodeKl(m, config, graph.input("latents", "float32", [1, config.latent_channels, 8, 8]));
        },
        attentionNames === "today's" ? nothing : /\.to_q\.weight$/,
      ),
  };
}

export function textEncoderLayout(json: Json): ComponentLayout {
  const config = parsed(json, clipTextConfigSchema, "text_encoder");
  return {
    folder: "text_encoder",
    weights: "model",
    configs: { "config.json": json },
    label: "clip",
    tensors: () => textTensors(config),
  };
}

/** Stable Diffusion XL's second text encoder, with the projection of the pooled text. */
export function secondTextEncoderLayout(json: Json): ComponentLayout {
  const config = parsed(json, clipTextWithProjectionConfigSchema, "text_encoder_2");
  const shape = [config.projection_dim, config.hidden_size];
  return {
    folder: "text_encoder_2",
    weights: "model",
    configs: { "config.json": json },
    label: "clip_2",
    tensors: () => [...textTensors(config), { name: "text_projection.weight", shape, kind: "float" }],
  };
}

/** A CLIP with both towers, for the direction loss: `openai/clip-vit-large-patch14` for Stable Diffusion. */
export function clipLayout(json: Json, preprocessor: Json): ComponentLayout {
  const config = parsed(json, clipConfigSchema, "clip");
  const { projection_dim: width, text_config: text, vision_config: vision } = config;
  return {
    folder: "clip",
    weights: "model",
    configs: { "config.json": json, "preprocessor_config.json": preprocessor },
    label: "clip",
    tensors: () => [
      ...textTensors(text),
      ...visionTensors(vision, width),
      { name: "text_projection.weight", shape: [width, text.hidden_size], kind: "float" },
      { name: "logit_scale", shape: [], kind: "float" },
    ],
  };
}

function textTensors(config: ClipTextConfig): TensorSpec[] {
  const write = (m: Module) => {
    const ids = m.graph.input("ids", "int64", [1, 1]);
    clipTextEncoder(m, config, clipTokenEmbeddings(m, config, ids));
  };
  return [...listTensors(write, nothing), positionIds("text_model", config.max_position_embeddings)];
}

function visionTensors(config: ClipVisionConfig, width: number): TensorSpec[] {
  const write = (m: Module) => {
    const pixels = m.graph.input("pixels", "float32", [1, 3, config.image_size, config.image_size]);
    clipVisionEncoder(m, config, pixels, width);
  };
  const count = (config.image_size / config.patch_size) ** 2 + 1;
  return [
    ...listTensors(write, /(visual_projection|patch_embedding)\.bias$/),
    positionIds("vision_model", count),
  ];
}

const nothing = /^$/;
