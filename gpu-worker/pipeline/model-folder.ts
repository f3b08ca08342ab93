import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { VisibleError } from "../../shared/errors.ts";
import { readPullRecord } from "../model-store/pulled-model.ts";
import { type ClipTextConfig, clipTextConfigSchema } from "../models/clip-config.ts";
import { readConfig } from "../models/parse-config.ts";
import { type UnetConfig, unetConfigSchema } from "../models/unet-2d-condition-config.ts";
import { readSchedulerConfig, type SchedulerConfig } from "../schedulers/scheduler-config.ts";
import { type ClipTokenizer, loadClipTokenizer } from "../tokenizers/clip-tokenizer.ts";
import { leadsOutside } from "../weights/checkpoint.ts";
import { sha256 } from "../weights/safetensors-file.ts";
import { type Autoencoder, readAutoencoder } from "./autoencoder.ts";
import { type ClipModel, openClip, readClipConfig } from "./clip-model.ts";
import { Component } from "./component.ts";
import { type ModelDefaults, readModelDefaults } from "./model-defaults.ts";
import { requireClipText, requireKnownFamily } from "./model-family.ts";

/** A model in diffusers layout, read and checked, before anything is compiled. */
export interface ModelFolder {
  readonly folder: string;
  /** What `visii.json` calls it, else the id it was pulled by, else its folder's name. */
  readonly id: string;
  /** SHA-256 over the weights that an instruction depends on: the UNet's and the text encoder's. */
  readonly weightHash: string;
  readonly unet: { readonly config: UnetConfig; readonly component: Component };
  readonly vae: { readonly autoencoder: Autoencoder; readonly component: Component };
  readonly text: { readonly config: ClipTextConfig; readonly component: Component };
  readonly tokenizer: ClipTokenizer;
  readonly scheduler: SchedulerConfig;
  readonly clip: ClipModel | undefined;
  readonly defaults: ModelDefaults;
}

/** @throws VisibleError that names the file, and the key or tensor in it, that is missing or not supported */
export async function readModelFolder(path: string): Promise<ModelFolder> {
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
  for (const name of ["unet", "text_encoder", "vae"]) await requireOwnComponent(folder, name);
  const unet = await Component.open(join(folder, "unet"), "diffusion_pytorch_model");
  const text = await Component.open(join(folder, "text_encoder"), "model");
  const { id, ...defaults } = await readModelDefaults(folder);
  return {
    folder,
    id: id ?? (await readPullRecord(folder))?.name ?? basename(folder),
    weightHash: await hashWeights([unet, text]),
    unet: { config: configs.unet, component: unet },
    vae: {
      autoencoder: configs.autoencoder,
      component: await Component.open(join(folder, "vae"), "diffusion_pytorch_model"),
    },
    text: { config: configs.text, component: text },
    tokenizer: await loadClipTokenizer(join(folder, "tokenizer")),
    scheduler: configs.scheduler,
    clip: await openClip(join(folder, "clip")),
    defaults,
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
  const autoencoder = await readAutoencoder(join(folder, "vae"));
  requireEditingModel(folder, unet, autoencoder, text);
  const clip = await readClipConfig(join(folder, "clip"));
  if (clip && clip.text_config.hidden_size !== text.hidden_size)
    throw new VisibleError(
      "mismatched_checkpoint",
      `${folder}: its clip/ projects text of width ${clip.text_config.hidden_size}, its text encoder gives ${text.hidden_size}; ` +
        "put the CLIP there that the text encoder was taken from, or none (visii models pull --clip).",
    );
  return { unet, text, autoencoder, scheduler: await readSchedulerConfig(join(folder, "scheduler")) };
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
function requireEditingModel(folder: string, unet: UnetConfig, vae: Autoencoder, text: ClipTextConfig): void {
  const { latentChannels } = vae;
  if (unet.in_channels !== 2 * latentChannels || unet.out_channels !== latentChannels)
    throw new VisibleError(
      "not_an_editing_model",
      `${folder}: the UNet takes ${unet.in_channels} channels and gives ${unet.out_channels}, the autoencoder has ` +
        `${latentChannels}; an instruction-editing model takes ${2 * latentChannels} and gives ${latentChannels}.`,
    );
  if (unet.cross_attention_dim !== text.hidden_size)
    throw new VisibleError(
      "mismatched_checkpoint",
      `${folder}: the UNet attends to text of width ${unet.cross_attention_dim}, the text encoder gives ${text.hidden_size}.`,
    );
}

async function hashWeights(components: readonly Component[]): Promise<string> {
  const hash = createHash("sha256");
  for (const { checkpoint } of components)
    for (const file of checkpoint.files) hash.update(await sha256(file));
  return hash.digest("hex");
}
