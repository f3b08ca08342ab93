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
import { hashWeights, type Identities, withoutCache } from "./hash-weights.ts";
import { type ModelDefaults, readModelDefaults } from "./model-defaults.ts";
import { readEmptyTextOfXl, requireClipText, requireKnownFamily } from "./model-family.ts";
import { openPairEncoder, type PairEncoderModel, readPairEncoderConfig } from "./pair-encoder-model.ts";
import {
  openSecondTextEncoder,
  readSecondTextConfig,
  type SecondTextEncoder,
} from "./second-text-encoder.ts";

/** A model in diffusers layout, read and validated but not compiled. */
export interface ModelFolder {
  readonly folder: string;
  /** Name in `visii.json`, else the ID it was pulled by, else the folder's name. */
  readonly id: string;
  /** Hash of the weights that an instruction depends on: UNet and text encoders ({@link hashWeights}). */
  readonly weightHash: string;
  readonly unet: { readonly config: UnetConfig; readonly component: Component };
  /** Precision of the UNet's graphs: fp32 unless a pipeline is opened in another. */
  readonly precision: Precision;
  readonly vae: { readonly autoencoder: Autoencoder; readonly component: Component };
  readonly text: { readonly config: ClipTextConfig; readonly component: Component };
  readonly tokenizer: ClipTokenizer;
  /**
   * Only in Stable Diffusion XL, where the text embedding concatenates both encoders' next-to-last states.
   */
  readonly secondText: SecondTextEncoder | undefined;
  /** The unconditional embedding: the encoded empty text, or zeros. */
  readonly emptyText: "encoded" | "zeros";
  readonly scheduler: SchedulerConfig;
  readonly clip: ClipModel | undefined;
  readonly pairEncoder: PairEncoderModel | undefined;
  readonly defaults: ModelDefaults;
  /** Weight hashes computed earlier. */
  readonly identities: Identities;
}

/**
 * @param identities weight hashes computed earlier
 * @throws VisibleError that names the missing or unsupported file, key or tensor
 */
export async function readModelFolder(
  path: string,
  identities: Identities = withoutCache,
): Promise<ModelFolder> {
  const folder = resolve(path);
  const isFolder = await stat(folder).then(
    (s) => s.isDirectory(),
    () => false,
  );
  if (!isFolder)
    throw new VisibleError(
      "model_not_found",
      `Model folder ${path} does not exist; give a folder in diffusers layout, or "mini" for the bundled model.`,
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
 * Checks from the configs alone whether the engine supports a model. Used before weights are downloaded.
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
      `${folder}: its clip/ expects text of width ${clip.text_config.hidden_size}, but its text encoder has ${text.hidden_size}; ` +
        "use the CLIP that contains this text encoder, or none (visii models pull --clip).",
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

/** Weights are mapped only from below the model's folder. */
async function requireOwnComponent(folder: string, name: string): Promise<void> {
  if (await leadsOutside(folder, name))
    throw new VisibleError(
      "weights_outside_folder",
      `${join(folder, name)} is a link to outside the model folder; replace it by a copy.`,
    );
}

/** Checks that the UNet takes noisy latents and the image's latents side by side, as InstructPix2Pix does. */
function requireEditingModel(folder: string, unet: UnetConfig, vae: Autoencoder): void {
  const { latentChannels } = vae;
  if (unet.in_channels !== 2 * latentChannels || unet.out_channels !== latentChannels)
    throw new VisibleError(
      "not_an_editing_model",
      `${folder}: the UNet has ${unet.in_channels} input and ${unet.out_channels} output channels, and the autoencoder has ` +
        `${latentChannels}; an instruction-editing model needs ${2 * latentChannels} and ${latentChannels}.` +
        (unet.in_channels === latentChannels ? " This is a text-to-image model." : ""),
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
      `${folder}: the UNet expects text of width ${unet.cross_attention_dim}, but the text encoder${second ? "s have" : " has"} ${width}.`,
    );
}

/**
 * Defaults for what `visii.json` omits: the image size in the UNet's config, and diffusers' text guidance.
 */
function familyDefaults({ unet, secondText, autoencoder }: Awaited<ReturnType<typeof readConfigs>>) {
  const { sample_size: side } = unet;
  return {
    resolution: typeof side === "number" ? side * autoencoder.factor : 512,
    textGuidance: secondText ? 5 : 7.5,
  };
}
