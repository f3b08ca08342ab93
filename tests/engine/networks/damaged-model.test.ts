import {
  cp,
  mkdir,
  mkdtemp,
  open,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { needsOf } from "../../../engine/capacity/model-needs.ts";
import { checkModelConfigs, readModelFolder } from "../../../engine/pipeline/model-folder.ts";
import { encodeSafetensors, openSafetensors, readTensor } from "../../../engine/weights/safetensors-file.ts";
import { openFixture } from "./expected-values.ts";

/** Known faults of downloaded folders, and their error messages. */

let scratch: string;
let folder: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "visii-damaged-"));
  folder = join(scratch, "model");
  await cp((await openFixture("tiny-ip2p")).folder, folder, { recursive: true });
});
afterEach(() => rm(scratch, { recursive: true }));

const unet = "unet/diffusion_pytorch_model.safetensors";
const at = (path: string) => join(folder, path);
const refusal = (code: string, message: RegExp) => ({ code, message: expect.stringMatching(message) });
const opened = () => readModelFolder(folder);
/** The checks of `visii learn` and `apply` before anything is computed. */
const lookedThrough = async () => needsOf(await opened(), 64, 64);

async function changeJson(path: string, change: (json: Record<string, unknown>) => void) {
  const json = JSON.parse(await readFile(at(path), "utf8"));
  change(json);
  await writeFile(at(path), JSON.stringify(json));
}

describe("weights", () => {
  it("that are truncated, as by a broken download", async () => {
    const { size } = await openSafetensors(at(unet));
    await truncate(at(unet), size - 1);
    await expect(opened()).rejects.toMatchObject(
      refusal("invalid_weights", /unet.*ends at byte \d+, beyond the file's \d+ bytes; download it again/),
    );
  });

  it("that are empty, or a page of HTML in their place", async () => {
    await truncate(at(unet), 0);
    await expect(opened()).rejects.toMatchObject(refusal("invalid_weights", /ends inside its header/));
    await writeFile(at(unet), "<!doctype html><title>Sign in</title>");
    await expect(opened()).rejects.toMatchObject(refusal("invalid_weights", /is not a safetensors file/));
  });

  it("that are a Git LFS pointer", async () => {
    await writeFile(at(unet), "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n");
    await expect(opened()).rejects.toMatchObject(refusal("invalid_weights", /Git LFS pointer.*git lfs pull/));
  });

  it("with more bytes than their tensors", async () => {
    const file = await open(at(unet), "a");
    await file.write("tail");
    await file.close();
    await expect(opened()).rejects.toMatchObject(
      refusal("invalid_weights", /its last 4 bytes belong to no tensor/),
    );
  });

  it("that are pickles", async () => {
    await rename(at(unet), at("unet/diffusion_pytorch_model.bin"));
    await expect(opened()).rejects.toMatchObject(
      refusal("pickled_weights", /diffusion_pytorch_model\.bin is a Python pickle, which can run code/),
    );
  });

  it("of which a shard is missing", async () => {
    const map = { "conv_in.weight": "diffusion_pytorch_model-00001-of-00002.safetensors" };
    await rm(at(unet));
    await writeFile(at(`${unet}.index.json`), JSON.stringify({ weight_map: map }));
    await expect(opened()).rejects.toMatchObject(
      refusal("weights_not_found", /-00001-of-00002\.safetensors is missing but listed in /),
    );
  });

  it("in shards without their index", async () => {
    await rename(at(unet), at("unet/diffusion_pytorch_model-00001-of-00002.safetensors"));
    await expect(opened()).rejects.toMatchObject(
      refusal("weights_not_found", /has the shard \S+-00001-of-00002\.safetensors but no \S+\.index\.json/),
    );
  });

  it("that are one file with all components", async () => {
    await rm(folder, { recursive: true });
    await mkdir(folder);
    await writeFile(at("v1-5-pruned.ckpt"), "");
    await expect(opened()).rejects.toMatchObject(
      refusal("not_diffusers_layout", /only the single file v1-5-pruned\.ckpt.*convert it with diffusers/),
    );
  });

  it("behind a symbolic link out of the folder, as in the Hugging Face cache", async () => {
    await rename(at(unet), join(scratch, "blob"));
    await symlink(join(scratch, "blob"), at(unet));
    await expect(opened()).rejects.toMatchObject(
      refusal("weights_outside_folder", /is a link to outside its folder; replace it by a copy/),
    );
  });

  it("in a component that is a symbolic link out of the model", async () => {
    await rename(at("unet"), join(scratch, "elsewhere"));
    await symlink(join(scratch, "elsewhere"), at("unet"));
    await expect(opened()).rejects.toMatchObject(
      refusal("weights_outside_folder", /unet is a link to outside the model folder/),
    );
  });

  it("of integers instead of floating-point numbers", async () => {
    const file = await openSafetensors(at(unet));
    const tensors = Object.fromEntries(
      await Promise.all(
        [...file.tensors.values()].map(async ({ name, shape }) => {
          const data = await readTensor(file, name);
          return [name, { shape, data: name === "conv_in.bias" ? Int32Array.from(data) : data }] as const;
        }),
      ),
    );
    await writeFile(at(unet), encodeSafetensors(tensors));
    await expect(lookedThrough()).rejects.toMatchObject(
      refusal("unsupported_dtype", /conv_in\.bias is stored as I32; supported are F32, F16 and BF16/),
    );
  });

  it("of another width than in the config, before anything runs", async () => {
    await changeJson("unet/config.json", (config) => {
      config.block_out_channels = [16, 16, 32];
    });
    await expect(lookedThrough()).rejects.toMatchObject(
      refusal(
        "mismatched_checkpoint",
        /unet: down_blocks\.2\.\S+ has shape \[24.*its config\.json requires \[32/,
      ),
    );
  });

  it("that lack a tensor of the config", async () => {
    await changeJson("vae/config.json", (config) => {
      config.layers_per_block = 2;
    });
    await expect(lookedThrough()).rejects.toMatchObject(
      refusal(
        "incomplete_checkpoint",
        /vae has no tensor \S+resnets\.\d\.\S+; check that config\.json belongs/,
      ),
    );
  });
});

describe("another model family", () => {
  it.each([
    ["StableDiffusion3Pipeline", "Stable Diffusion 3"],
    ["FluxKontextPipeline", "Flux"],
    ["PixArtAlphaPipeline", "PixArt"],
    ["StableDiffusionXLPipeline", "Stable Diffusion XL"],
  ])("%s is rejected by name", async (name, family) => {
    await changeJson("model_index.json", (index) => {
      index._class_name = name;
    });
    await rm(at("unet"), { recursive: true });
    await expect(checkModelConfigs(folder)).rejects.toMatchObject(
      refusal("unsupported_family", new RegExp(`is ${family} \\(${name}\\); visii supports InstructPix2Pix`)),
    );
  });

  it("of Stable Diffusion without image input is recognized by its channels", async () => {
    await changeJson("model_index.json", (index) => {
      index._class_name = "StableDiffusionPipeline";
    });
    await changeJson("unet/config.json", (config) => {
      config.in_channels = 4;
    });
    await expect(checkModelConfigs(folder)).rejects.toMatchObject(
      refusal("not_an_editing_model", /an instruction-editing model needs 8.*is a text-to-image model/),
    );
  });

  it("of Stable Diffusion XL without its second text encoder is rejected with what is missing", async () => {
    await changeJson("unet/config.json", (config) => {
      const numbers = { addition_time_embed_dim: 8, projection_class_embeddings_input_dim: 56 };
      Object.assign(config, { addition_embed_type: "text_time", ...numbers });
    });
    await expect(checkModelConfigs(folder)).rejects.toMatchObject(
      refusal("model_file_missing", /text_encoder_2\/config\.json cannot be read/),
    );
  });

  it("with a text encoder other than CLIP is rejected", async () => {
    await changeJson("text_encoder/config.json", (config) => {
      config.model_type = "t5";
    });
    await expect(checkModelConfigs(folder)).rejects.toMatchObject(
      refusal("unsupported_family", /the text encoder is t5, not CLIP/),
    );
  });

  it("is not assumed for a fine-tune whose index names another pipeline", async () => {
    await changeJson("model_index.json", (index) => {
      index._class_name = "StableDiffusionPipeline";
    });
    await expect(checkModelConfigs(folder)).resolves.toBeUndefined();
  });
});
