import { expect, it } from "vitest";
import {
  clipConfigSchema,
  clipTextConfigSchema,
  clipTextWithProjectionConfigSchema,
} from "../../../engine/networks/clip-config.ts";
import { parseConfig } from "../../../engine/networks/parse-config.ts";
import { clip } from "./published-configs.ts";

const text = (config: object) => parseConfig(config, clipTextConfigSchema, "config.json");
const projected = (config: object) => parseConfig(config, clipTextWithProjectionConfigSchema, "config.json");
const whole = (config: object) => parseConfig(config, clipConfigSchema, "config.json");
const saved = (name: string) =>
  clip.saved[name]!.map(({ versions, config }) => ({ versions: versions.join(), config }));

const textDefaults = {
  vocab_size: 49408,
  hidden_size: 512,
  intermediate_size: 2048,
  num_hidden_layers: 12,
  num_attention_heads: 8,
  max_position_embeddings: 77,
  layer_norm_eps: 1e-5,
  hidden_act: "quick_gelu",
};
const textOfL = { ...textDefaults, hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12 };
const textOfBigG = {
  ...textDefaults,
  hidden_size: 1280,
  intermediate_size: 5120,
  num_attention_heads: 20,
  num_hidden_layers: 32,
  hidden_act: "gelu",
};
const visionDefaults = {
  hidden_size: 768,
  intermediate_size: 3072,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  num_channels: 3,
  image_size: 224,
  patch_size: 32,
  layer_norm_eps: 1e-5,
  hidden_act: "quick_gelu",
};
const visionOfL = {
  ...visionDefaults,
  hidden_size: 1024,
  intermediate_size: 4096,
  num_hidden_layers: 24,
  num_attention_heads: 16,
  patch_size: 14,
};

it("a CLIP text config is read as every version of transformers saves it", () => {
  for (const { versions, config } of saved("text defaults"))
    expect(text(config), versions).toMatchObject(textDefaults);
  for (const { versions, config } of saved("text L/14"))
    expect(text(config), versions).toMatchObject(textOfL);
  for (const { versions, config } of saved("text bigG"))
    expect(projected(config), versions).toMatchObject({ ...textOfBigG, projection_dim: 1280 });
  expect(text({})).toMatchObject(textDefaults);
});

it("a whole CLIP is read as every version of transformers saves it, also where it leaves out defaults", () => {
  for (const { versions, config } of saved("clip defaults"))
    expect(whole(config), versions).toMatchObject({
      projection_dim: 512,
      text_config: textDefaults,
      vision_config: visionDefaults,
    });
  const ofL = { projection_dim: 768, text_config: textOfL, vision_config: visionOfL };
  for (const name of ["clip L/14", "every key"])
    for (const { versions, config } of saved(name)) expect(whole(config), versions).toMatchObject(ofL);
  const short = {
    projection_dim: 768,
    text_config: { hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12 },
    vision_config: { ...visionOfL, num_channels: undefined, hidden_act: undefined },
  };
  expect(whole(short)).toMatchObject(ofL);
});

it("the older text_config_dict replaces text_config, as in transformers", () => {
  const config = {
    text_config: { hidden_size: 512 },
    text_config_dict: { hidden_size: 768 },
    vision_config_dict: null,
  };
  expect(whole(config).text_config).toMatchObject({ ...textDefaults, hidden_size: 768 });
});

it.each([
  [{ is_decoder: true }, /is_decoder: true is not supported/],
  [{ pruned_heads: { 0: [1] } }, /pruned_heads\.0 is not a supported key/],
  [{ add_cross_attention: true }, /add_cross_attention: true is not supported/],
  [{ hidden_act: "gelu_new" }, /hidden_act: "gelu_new" is not supported/],
  [
    { quantization_config: { bits: 4 } },
    /quantization_config is not a supported key; remove it if it has no effect/,
  ],
])("a CLIP with %o is refused by that name", (change, message) => {
  expect(() => text(change)).toThrow(message);
  expect(() => whole({ text_config: change })).toThrow(message);
});
