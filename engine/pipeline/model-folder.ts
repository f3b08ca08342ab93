import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { VisibleError } from "../errors.ts";
import { readPullRecord } from "../model-store/pulled-model.ts";
import { type ClipTextConfig, clipTextConfigSchema } from "../networks/clip-config.ts";
import { readConfig } from "../networks/parse-config.ts";
import type { Precision } from "../networks/precision.ts";
import { latentMultiple } from "../networks/unet-2d-condition.ts";
import { type UnetConfig, unetConfigSchema } from "../networks/unet-2d-condition-config.ts";
import { readSchedulerConfig, type SchedulerConfig } from "../schedulers/scheduler-config.ts";
import { type ClipTokenizer, loadClipTokenizer } from "../tokenizers/clip-tokenizer.ts";
import { leadsOutside } from "../weights/checkpoint.ts";
import { type Autoencoder, readAutoencoder } from "./autoencoder.ts";
import { type ClipModel, openClip, readClipConfig } from "./clip-model.ts";
import { Component } from "./component.ts";
import { hashWeights, type Identities, readAnew } from "./hash-weights.ts";
import { type ModelDefaults, readModelDefaults } from "./model-defaults.ts";
import { readEmptyTextOfXl, requireClipText, requireKnownFamily } from "./model-family.ts";
import { openPairEncoder, type PairEncoderModel, readPairEncoderConfig } from "./pair-encoder-model.ts";
import {
  openSecondTextEncoder,
  readSecondTextConfig,
  type SecondTextEncoder,
} from "./second-text-encoder.ts";

/** A model in diffusers layout, read and checked, before anything is compiled. */
export interface ModelFolder {
  readonly folder: string;
  /** What `visii.json` calls it, else the id it was pulled by, else its folder's name. */
  readonly id: string;
  /** What the weights are that an instruction depends on: the UNet's and the text encoders' ({@link hashWeights}). */
  readonly weightHash: string;
  readonly unet: { readonly config: UnetConfig; readonly component: Component };
  /** What the UNet's graphs are written in: fp32 until a pipeline is opened in another. */
  readonly precision: Precision;
  readonly vae: { readonly autoencoder: Autoencoder; readonly component: Component };
  readonly text: { readonly config: ClipTextConfig; readonly component: Component };
  readonly tokenizer: ClipTokenizer;
  /** Stable Diffusion XL has one; the text embedding is then both encoders' next-to-last states side by side. */
  readonly secondText: SecondTextEncoder | undefined;
  /** What stands for no words at all: the encoded empty text, or zeros. */
  readonly emptyText: "encoded" | "zeros";
  readonly scheduler: SchedulerConfig;
  readonly clip: ClipModel | undefined;
  readonly pairEncoder: PairEncoderModel | undefined;
  readonly defaults: ModelDefaults;
  /** Of those who have read the weights before. */
  readonly identities: Identities;
}

/**
 * @param identities of those who have read the weights before
 * @throws VisibleError that names the file, and the key or tensor in it, that is missing or not supported
 */
export async function readModelFolder(path: string, identities: Identities = readAnew): Promise<ModelFolder> {
  const folder = resolve(path);
  const isFolder = await stat(folder).then(
    (s) => s.isDirectory(),
    () => false,
  );
  if (!isFolder)
    throw new VisibleError(
      "model_not_found",
      `There is no model folder ${path}. Name a folder in diffusers layout, or "mini" for the bundled model.`,
    );
  const configs = await readConfigs(folder);
  const parts = [
    ...["unet", "text_encoder", "vae"],
    ...(configs.secondText ? ["text_encoder_2"] : []),
    ...(configs.pairEncoder ? ["pair_encoder"] : []),
  ];
  for (const name of parts) await requireOwnComponent(folder, name);
  const unet = await Component.open(join(folder, "unet"), "diffusion_pytorch_model");
  const text = await Component.open(join(folder, "text_encoder"), "model");
  const tokenizer = await loadClipTokenizer(join(folder, "tokenizer"));
  const first = { config: configs.text, tokenizer };
  const secondText = configs.secondText && (await openSecondTextEncoder(folder, configs.secondText, first));
  const { id, ...defaults } = await readModelDefaults(folder, familyDefaults(configs));
  const pairEncoder = await openPairEncoder(join(folder, "pair_encoder"), {
    init: defaults.init,
    tokens: tokenizer.encode(defaults.init).length,
    width: configs.unet.cross_attention_dim,
    sizeMultiple: configs.autoencoder.factor * latentMultiple(configs.unet),
  });
  return {
    folder,
    id: id ?? (await readPullRecord(folder))?.name ?? basename(folder),
    weightHash: await hashWeights([unet, text, ...(secondText ? [secondText.component] : [])], identities),
    unet: { config: configs.unet, component: unet },
    precision: "fp32",
    vae: {
      autoencoder: configs.autoencoder,
      component: await Component.open(join(folder, "vae"), "diffusion_pytorch_model"),
    },
    text: { config: configs.text, component: text },
    tokenizer,
    secondText,
    emptyText: secondText ? await readEmptyTextOfXl(folder) : "encoded",
    scheduler: configs.scheduler,
    clip: await openClip(join(folder, "clip")),
    pairEncoder,
    defaults: { ...defaults, start: pairEncoder ? "pair" : "words" },
    identities,
  };
}

/**
 * What can be told of a model before its weights are there: whether the engine runs it. For downloads.
 *
 * @throws VisibleError as {@link readModelFolder} does
 */
export async function checkModelConfigs(folder: string): Promise<void> {
  await readConfigs(folder);
}

async function readConfigs(folder: string) {
  await requireKnownFamily(folder);
  const unet = await readConfig(join(folder, "unet", "config.json"), unetConfigSchema);
  await requireClipText(join(folder, "text_encoder"));
  const text = await readConfig(join(folder, "text_encoder", "config.json"), clipTextConfigSchema);
  const family = unet.addition_embed_type === "text_time" ? "sdxl" : "sd";
  const autoencoder = await readAutoencoder(join(folder, "vae"), family);
  requireEditingModel(folder, unet, autoencoder);
  const secondText = await readSecondTextConfig(folder, unet);
  if (secondText) await readEmptyTextOfXl(folder);
  requireTextWidth(folder, unet, text, secondText);
  const clip = await readClipConfig(join(folder, "clip"));
  if (clip && clip.text_config.hidden_size !== text.hidden_size)
    throw new VisibleError(
      "mismatched_checkpoint",
      `${folder}: its clip/ projects text of width ${clip.text_config.hidden_size}, its text encoder gives ${text.hidden_size}; ` +
        "put the CLIP there that the text encoder was taken from, or none (visii models pull --clip).",
    );
  return {
    unet,
    text,
    secondText,
    autoencoder,
    pairEncoder: await readPairEncoderConfig(join(folder, "pair_encoder")),
    scheduler: await readSchedulerConfig(join(folder, "scheduler")),
  };
}

/** Weights are mapped from below the model's folder, and nowhere else. */
async function requireOwnComponent(folder: string, name: string): Promise<void> {
  if (await leadsOutside(folder, name))
    throw new VisibleError(
      "weights_outside_folder",
      `${join(folder, name)} is a link out of the model's folder; copy that folder itself there.`,
    );
}

/** InstructPix2Pix's shape: the UNet sees noisy latents and the image's latents side by side. */
function requireEditingModel(folder: string, unet: UnetConfig, vae: Autoencoder): void {
  const { latentChannels } = vae;
  if (unet.in_channels !== 2 * latentChannels || unet.out_channels !== latentChannels)
    throw new VisibleError(
      "not_an_editing_model",
      `${folder}: the UNet takes ${unet.in_channels} channels and gives ${unet.out_channels}, the autoencoder has ` +
        `${latentChannels}; an instruction-editing model takes ${2 * latentChannels} and gives ${latentChannels}.` +
        (unet.in_channels === latentChannels ? " This one makes pictures from words alone." : ""),
    );
}

function requireTextWidth(
  folder: string,
  unet: UnetConfig,
  first: ClipTextConfig,
  second: ClipTextConfig | undefined,
): void {
  const width = first.hidden_size + (second?.hidden_size ?? 0);
  if (unet.cross_attention_dim !== width)
    throw new VisibleError(
      "mismatched_checkpoint",
      `${folder}: the UNet attends to text of width ${unet.cross_attention_dim}, the text encoder${second ? "s give" : " gives"} ${width}.`,
    );
}

/**
 * What `visii.json` need not say: the picture size that the UNet's config says it was trained at, and the text guidance that
 * diffusers uses of itself.
 */
function familyDefaults({ unet, secondText, autoencoder }: Awaited<ReturnType<typeof readConfigs>>) {
  const { sample_size: side } = unet;
  return {
    resolution: typeof side === "number" ? side * autoencoder.factor : 512,
    textGuidance: secondText ? 5 : 7.5,
  };
}
