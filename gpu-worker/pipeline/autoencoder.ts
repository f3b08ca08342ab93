import { join } from "node:path";
import { z } from "zod";
import { VisibleError } from "../../shared/errors.ts";
import type { Value } from "../graph/value.ts";
import { autoencoderKlConfigSchema, decodeKl, encodeKl } from "../models/autoencoder-kl.ts";
import { autoencoderTinyConfigSchema, decodeTiny, encodeTiny } from "../models/autoencoder-tiny.ts";
import type { Module } from "../models/module.ts";
import { parseConfig, readJson } from "../models/parse-config.ts";
import { decodePatches, encodePatches, patchAutoencoderConfigSchema } from "../models/patch-autoencoder.ts";

/** An image autoencoder, whichever class its config names. */
export interface Autoencoder {
  readonly latentChannels: number;
  /** Pixels a side for one latent. */
  readonly factor: number;
  /** z = scale·(latent − shift) is what diffusion sees; the image condition is the latent itself. */
  readonly scale: number;
  readonly shift: number;
  encode(m: Module, pixels: Value): Value;
  decode(m: Module, latents: Value): Value;
}

/**
 * AutoencoderTiny speaks in latents that are scaled already; InstructPix2Pix's image condition wants them as its own autoencoder
 * gave them, before scaling. So they are brought to those units here: divided by the scaling factor of Stable Diffusion 1's
 * AutoencoderKL, which TAESD was distilled from.
 */
const distilledScale = 0.18215;

/** One entry a class; a new autoencoder is one line here and its own file in models/. */
const autoencoders: Readonly<Record<string, (json: unknown, file: string) => Autoencoder>> = {
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
  AutoencoderTiny: (json, file) => {
    const config = parseConfig(json, autoencoderTinyConfigSchema, file);
    return {
      latentChannels: config.latent_channels,
      factor: 2 ** (config.encoder_block_out_channels.length - 1),
      scale: distilledScale,
      shift: 0,
      encode: (m, pixels) => m.graph.div(encodeTiny(m, config, pixels), distilledScale),
      decode: (m, latents) => decodeTiny(m, config, m.graph.mul(latents, distilledScale)),
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

export async function readAutoencoder(folder: string): Promise<Autoencoder> {
  const file = join(folder, "config.json");
  const json = await readJson(file);
  const named = z.object({ _class_name: z.string() }).safeParse(json);
  const name = named.success ? named.data._class_name : "nothing";
  const make = autoencoders[name];
  if (!make)
    throw new VisibleError(
      "unsupported_config",
      `${file}: _class_name is ${name}; this engine runs ${Object.keys(autoencoders).join(" and ")}.`,
    );
  return make(json, file);
}
