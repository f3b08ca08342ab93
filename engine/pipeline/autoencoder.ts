import { join } from "node:path";
import { z } from "zod";
import { VisibleError } from "../errors.ts";
import type { Value } from "../graph/value.ts";
import { autoencoderKlConfigSchema, decodeKl, encodeKl } from "../networks/autoencoder-kl.ts";
import { autoencoderTinyConfigSchema, decodeTiny, encodeTiny } from "../networks/autoencoder-tiny.ts";
import type { Module } from "../networks/module.ts";
import { parseConfig, readJson } from "../networks/parse-config.ts";
import { decodePatches, encodePatches, patchAutoencoderConfigSchema } from "../networks/patch-autoencoder.ts";

/** An image autoencoder of any supported class. */
export interface Autoencoder {
  readonly latentChannels: number;
  /** Pixels per latent, along a side. */
  readonly factor: number;
  /** Diffusion uses z = scale·(latent − shift); the image condition is the unscaled latent. */
  readonly scale: number;
  readonly shift: number;
  encode(m: Module, pixels: Value): Value;
  decode(m: Module, latents: Value): Value;
}

/**
 * AutoencoderTiny produces scaled latents, but InstructPix2Pix's image condition needs unscaled ones. They
 * are divided by the scaling factor of the AutoencoderKL that TAESD (or TAESDXL) was distilled from.
 */
const distilledScale = { sd: 0.18215, sdxl: 0.13025 } as const;
type Distilled = keyof typeof distilledScale;

/** One entry per class. To support another autoencoder, add a line here and a file in networks/. */
const autoencoders: Readonly<
  Record<string, (json: unknown, file: string, family: Distilled) => Autoencoder>
> = {
  AutoencoderKL: (json, file) => {
    const config = parseConfig(json, autoencoderKlConfigSchema, file);
    return {
      latentChannels: config.latent_channels,
      factor: 2 ** (config.block_out_channels.length - 1),
      scale: config.scaling_factor,
      shift: config.shift_factor ?? 0,
      encode: (m, pixels) => encodeKl(m, config, pixels),
      decode: (m, latents) => decodeKl(m, config, latents),
    };
  },
  AutoencoderTiny: (json, file, family) => {
    const config = parseConfig(json, autoencoderTinyConfigSchema, file);
    const scale = distilledScale[family];
    return {
      latentChannels: config.latent_channels,
      factor: 2 ** (config.encoder_block_out_channels.length - 1),
      scale,
      shift: 0,
      encode: (m, pixels) => m.graph.div(encodeTiny(m, config, pixels), scale),
      decode: (m, latents) => decodeTiny(m, config, m.graph.mul(latents, scale)),
    };
  },
  PatchAutoencoder: (json, file) => {
    const config = parseConfig(json, patchAutoencoderConfigSchema, file);
    return {
      latentChannels: config.latent_channels,
      factor: config.patch_size,
      scale: config.scaling_factor,
      shift: config.shift_factor ?? 0,
      encode: (m, pixels) => encodePatches(m, config, pixels),
      decode: (m, latents) => decodePatches(m, config, latents),
    };
  },
};

/** @param family selects the scaling factor of an autoencoder with scaled latents */
export async function readAutoencoder(folder: string, family: Distilled): Promise<Autoencoder> {
  const file = join(folder, "config.json");
  const json = await readJson(file);
  const named = z.object({ _class_name: z.string() }).safeParse(json);
  const name = named.success ? named.data._class_name : "absent";
  const make = autoencoders[name];
  if (!make)
    throw new VisibleError(
      "unsupported_config",
      `${file}: _class_name is ${name}; supported are ${Object.keys(autoencoders).join(", ")}.`,
    );
  return make(json, file, family);
}
