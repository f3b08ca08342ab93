import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { encodeOnnx } from "../../../engine/graph/encode-onnx.ts";
import { autoencoderKlConfigSchema } from "../../../engine/networks/autoencoder-kl.ts";
import { autoencoderTinyConfigSchema } from "../../../engine/networks/autoencoder-tiny.ts";
import { parseConfig } from "../../../engine/networks/parse-config.ts";
import { unetConfigSchema } from "../../../engine/networks/unet-2d-condition-config.ts";
import { readAutoencoder } from "../../../engine/pipeline/autoencoder.ts";
import { decoderGraph, encoderGraph, unetGraph } from "../../../engine/pipeline/forward-graphs.ts";
import { type ModelFolder, readModelFolder } from "../../../engine/pipeline/model-folder.ts";
import { openFixture } from "../networks/expected-values.ts";
import { configsOf, diffusers, otherValues } from "./published-configs.ts";

let scratch: string;
/** With text in the time embedding, without, and with sizes in it. */
const models: ModelFolder[] = [];
let taesd: ModelFolder;
beforeAll(async () => {
  for (const name of ["tiny-mini", "tiny-ip2p", "tiny-sdxl"] as const)
    models.push(await readModelFolder((await openFixture(name)).folder));
  scratch = await mkdtemp(join(tmpdir(), "visii-configs-"));
  const folder = join(scratch, "taesd");
  await cp(models[1]!.folder, folder, { recursive: true });
  await rm(join(folder, "vae"), { recursive: true });
  const tiny = fileURLToPath(new URL("../../fixtures/autoencoder-tiny", import.meta.url));
  await cp(tiny, join(folder, "vae"), { recursive: true });
  taesd = await readModelFolder(folder);
});
afterAll(() => rm(scratch, { recursive: true }));

const schemas = {
  UNet2DConditionModel: unetConfigSchema,
  AutoencoderKL: autoencoderKlConfigSchema,
  AutoencoderTiny: autoencoderTinyConfigSchema,
};
type Network = keyof typeof schemas;
const parse = (network: Network, config: object): object =>
  parseConfig<object>(config, schemas[network], "config.json");
const networks = Object.keys(schemas) as Network[];

/**
 * Keys that do not change the computation: display sizes, training settings, and float32, which visii always
 * uses there.
 */
const withoutEffect: Readonly<Record<Network, readonly string[]>> = {
  // in_channels and cross_attention_dim are compared with the autoencoder and the text encoders instead.
  UNet2DConditionModel: ["cross_attention_dim", "dropout", "in_channels", "sample_size", "upcast_attention"],
  AutoencoderKL: ["force_upcast", "sample_size"],
  AutoencoderTiny: ["force_upcast", "latent_magnitude", "latent_shift"],
};

/**
 * Everything that the engine computes with a network, as ONNX; or the refusal that names the file and the
 * key.
 */
async function computation(network: Network, model: ModelFolder, config: object): Promise<string> {
  if (network === "UNet2DConditionModel") {
    const unet = { ...model.unet, config: parseConfig(config, unetConfigSchema, "config.json") };
    return textOf(model, unetGraph({ ...model, unet }, { batch: 1, height: 8, width: 8, learnedRows: 0 }));
  }
  const folder = join(scratch, "changed");
  await cp(join(model.folder, "vae"), folder, { recursive: true });
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const vae = { ...model.vae, autoencoder: await readAutoencoder(folder, "sd") };
  const { scale, shift } = vae.autoencoder;
  const [encoder, decoder] = [encoderGraph({ ...model, vae }, 64, 64), decoderGraph({ ...model, vae }, 8, 8)];
  return [scale, shift, textOf(model, encoder), textOf(model, decoder)].join();
}

const textOf = (model: ModelFolder, graph: ReturnType<typeof unetGraph>) =>
  Buffer.from(encodeOnnx(graph, model.folder)).toString("latin1");

it.each(networks)("%s has diffusers' defaults of every version for keys that a config omits", (network) => {
  const configs = configsOf(diffusers.networks[network]!);
  expect(configs.length).toBeGreaterThan(0);
  const silent = parse(network, {});
  for (const { version, keys } of configs) expect(parse(network, keys), version).toMatchObject(silent);
});

it.each(networks)("%s has no key that is ignored and changes the computation", async (network) => {
  const keys = new Set(Object.keys(diffusers.networks[network]!));
  const heeded = new Set<string>();
  const own = { UNet2DConditionModel: models, AutoencoderKL: [models[1]!], AutoencoderTiny: [taesd] };
  for (const model of own[network]) {
    const folder = network === "UNet2DConditionModel" ? "unet" : "vae";
    const config = JSON.parse(await readFile(join(model.folder, folder, "config.json"), "utf8"));
    const asWritten = await computation(network, model, config);
    for (const key of keys)
      for (const other of otherValues(config[key] ?? null)) {
        if (heeded.has(key)) break;
        try {
          if ((await computation(network, model, { ...config, [key]: other })) !== asWritten) heeded.add(key);
        } catch (error) {
          expect(error, key).toMatchObject({ name: "VisibleError" });
          heeded.add(key);
        }
      }
  }
  expect([...keys].filter((key) => !heeded.has(key)).sort()).toEqual(withoutEffect[network]);
});
