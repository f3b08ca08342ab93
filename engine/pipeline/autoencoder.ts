import { join } from "node:path";
import { z } from "zod";
import { VisibleError } from "../errors.ts";
import type { Value } from "../graph/value.ts";
import { autoencoderKlConfigSchema, decodeKl, encodeKl } from "../networks/autoencoder-kl.ts";
import { autoencoderTinyConfigSchema, decodeTiny, encodeTiny } from "../networks/autoencoder-tiny.ts";
import type { Module } from "../networks/module.ts";
import { parseConfig, readJson } from "../networks/parse-config.ts";
import { decodePatches, encodePatches, patchAutoencoderConfigSchema } from "../networks/patch-autoencoder.ts";

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
 * gave them, before scaling. So they are brought to those units here: divided by the scaling factor of the family's
 * AutoencoderKL, which TAESD (or TAESDXL) was distilled from.
 */
const distilledScale = { sd: 0.18215, sdxl: 0.13025 } as const;
type Distilled = keyof typeof distilledScale;

/** One entry a class; a new autoencoder is one line here and its own file in models/. */
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

/** @param family whose autoencoder one without units of its own stands for */
export async function readAutoencoder(folder: string, family: Distilled): Promise<Autoencoder> {
  const file = join(folder, "config.json");
  const json = await readJson(file);
  const named = z.object({ _class_name: z.string() }).safeParse(json);
  const name = named.success ? named.data._class_name : "absent";
  const make = autoencoders[name];
  if (!make)
    throw new VisibleError(
      "unsupported_config",
      `${file}: _class_name is ${name}; this engine runs ${Object.keys(autoencoders).join(", ")}.`,
    );
  return make(json, file, family);
}
