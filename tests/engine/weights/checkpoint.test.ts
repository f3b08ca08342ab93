import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../../engine/weights/checkpoint.ts";
import { encodeSafetensors, readTensor, writeSafetensors } from "../../../engine/weights/safetensors-file.ts";

let folder: string;
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "visii-checkpoint-"));
  folder = join(root, "unet");
  await mkdir(folder);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const one = (value: number) => ({ shape: [1], data: Float32Array.of(value) });
const open = () => openCheckpoint(folder, "model");
const index = (weightMap: unknown) =>
  writeFile(
    join(folder, "model.safetensors.index.json"),
    JSON.stringify({ metadata: {}, weight_map: weightMap }),
  );

describe("a checkpoint folder", () => {
  it("opens with diffusers' and transformers' file names", async () => {
    const fixture = join(import.meta.dirname, "../../fixtures/tiny-ip2p");
    const unet = await openCheckpoint(join(fixture, "unet"), "diffusion_pytorch_model");
    expect(unet.tensor("conv_in.weight").entry.shape).toEqual([16, 8, 3, 3]);
    const text = await openCheckpoint(join(fixture, "text_encoder"), "model");
    expect(text.names).toContain("text_model.final_layer_norm.bias");
  });

  it("prefers the full file to the fp16 one, and reads the fp16 one if alone", async () => {
    await writeSafetensors(join(folder, "model.fp16.safetensors"), { half: one(1) });
    expect([...(await open()).names]).toEqual(["half"]);
    await writeSafetensors(join(folder, "model.safetensors"), { full: one(1) });
    expect([...(await open()).names]).toEqual(["full"]);
  });

  it("finds each tensor in its shard", async () => {
    await writeSafetensors(join(folder, "model-1-of-2.safetensors"), { a: one(1) });
    await writeSafetensors(join(folder, "model-2-of-2.safetensors"), { b: one(2) });
    await index({ a: "model-1-of-2.safetensors", b: "model-2-of-2.safetensors" });
    const checkpoint = await open();
    expect(checkpoint.files).toHaveLength(2);
    expect([...(await readTensor(checkpoint.tensor("b").file, "b"))]).toEqual([2]);
    expect(() => checkpoint.tensor("c")).toThrow(/no tensor "c"; check that config\.json belongs/);
  });

  it("names a missing shard or tensor", async () => {
    await index({ a: "model-1-of-2.safetensors" });
    await expect(open()).rejects.toThrow(/model-1-of-2\.safetensors is missing/);
    await writeSafetensors(join(folder, "model-1-of-2.safetensors"), { b: one(1) });
    await expect(open()).rejects.toThrow(
      /lists tensor "a" in model-1-of-2\.safetensors, which does not contain it/,
    );
  });

  it.each([
    ["a path out of the folder", { a: "../secret.safetensors" }],
    ["an absolute path", { a: "/etc/passwd.safetensors" }],
    ["a Windows path", { a: "..\\x.safetensors" }],
    ["a pickle", { a: "model.bin" }],
    ["a number", { a: 1 }],
    ["no tensor", {}],
    ["a list", []],
  ])("whose index names %s is rejected", async (_why, weightMap) => {
    await index(weightMap);
    await expect(open()).rejects.toMatchObject({ name: "VisibleError", code: "invalid_weights" });
  });

  it("whose index is not JSON, or has a duplicate key, is rejected", async () => {
    const path = join(folder, "model.safetensors.index.json");
    await writeFile(path, "{");
    await expect(open()).rejects.toThrow(/not JSON/);
    await writeFile(path, `{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}`);
    await expect(open()).rejects.toThrow(/"a" twice/);
  });

  it("rejects a symbolic link out of it, and follows one inside", async () => {
    const bytes = encodeSafetensors({ a: one(1) });
    await writeFile(join(root, "elsewhere"), bytes);
    await symlink(join(root, "elsewhere"), join(folder, "model.safetensors"));
    await expect(open()).rejects.toMatchObject({ code: "weights_outside_folder" });
    await rm(join(folder, "model.safetensors"));
    await writeFile(join(folder, "..data"), bytes);
    await symlink("..data", join(folder, "model.safetensors"));
    expect([...(await open()).names]).toEqual(["a"]);
    await rm(join(folder, "..data"));
    await expect(open()).rejects.toThrow(/broken link/);
  });

  it("asks for safetensors if it has only pickles, and reports an empty folder", async () => {
    await expect(open()).rejects.toThrow(/has no model\.safetensors; download/);
    await writeFile(join(folder, "model.bin"), "");
    await expect(open()).rejects.toThrow(
      /model\.bin is a Python pickle.*convert it to model\.safetensors: python3 -c ".*weights_only=True.*" '.*model\.bin' '.*model\.safetensors'$/,
    );
    await expect(openCheckpoint(join(root, "absent"), "model")).rejects.toThrow(/not a readable folder/);
  });
});
