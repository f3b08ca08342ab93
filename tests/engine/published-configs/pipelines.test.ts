import { expect, it } from "vitest";
import { requireFamily } from "../../../engine/pipeline/model-family.ts";
import { diffusers } from "./published-configs.ts";

/** `model_index.json` of a pipeline class, with its components' classes. */
const indexOf = (name: string, components: Readonly<Record<string, string>>) => ({
  _class_name: name,
  _diffusers_version: "0.42.1",
  scheduler: ["diffusers", "DDIMScheduler"],
  ...Object.fromEntries(Object.entries(components).map(([key, value]) => [key, ["library", value]])),
});

it("every pipeline of diffusers without InstructPix2Pix's networks is refused by its index alone, by name", () => {
  const accepted: string[] = [];
  for (const [name, components] of Object.entries(diffusers.pipelines))
    try {
      requireFamily(indexOf(name, components), "owner/model");
      accepted.push(name);
    } catch (error) {
      expect(error).toMatchObject({ code: "unsupported_family", message: expect.stringContaining(name) });
      expect(error).toMatchObject({
        message: expect.stringMatching(/^owner\/model is .*; visii supports InstructPix2Pix/),
      });
    }
  expect(Object.keys(diffusers.pipelines).length).toBeGreaterThan(250);
  // Those with a UNet2DConditionModel and a CLIP text encoder are checked by their channels.
  const others = accepted.filter((name) => !/^(StableDiffusion|StableUnCLIP)/.test(name));
  expect(others).toEqual([
    ...["CycleDiffusionPipeline", "LatentConsistencyModelImg2ImgPipeline", "LatentConsistencyModelPipeline"],
    ...["PIAPipeline", "SemanticStableDiffusionPipeline"],
    ...["TextToVideoZeroPipeline", "TextToVideoZeroSDXLPipeline"],
  ]);
  expect(accepted).toContain("StableDiffusionInstructPix2PixPipeline");
  expect(accepted).toContain("StableDiffusionXLInstructPix2PixPipeline");
});

it.each([
  ["StableDiffusion3Pipeline", "Stable Diffusion 3"],
  ["FluxKontextPipeline", "Flux"],
  ["Flux2Pipeline", "Flux 2"],
  ["PixArtSigmaPipeline", "PixArt"],
  ["HunyuanDiTPipeline", "Hunyuan-DiT"],
  ["SanaPipeline", "Sana"],
  ["WanPipeline", "Wan"],
  ["MarigoldDepthPipeline", "Marigold"],
])("%s is called %s", (name, family) => {
  expect(() => requireFamily(indexOf(name, diffusers.pipelines[name]!), "a/b")).toThrow(
    `a/b is ${family} (${name});`,
  );
});

it("a custom pipeline with the right networks is accepted, and one whose name only begins like a family's", () => {
  const networks = { unet: "UNet2DConditionModel", text_encoder: "CLIPTextModel" };
  expect(() => requireFamily(indexOf("WandaInstructPix2PixPipeline", networks), "a/b")).not.toThrow();
  expect(() =>
    requireFamily({ ...indexOf("x", networks), _class_name: ["pipeline", "MyPipeline"] }, "a/b"),
  ).not.toThrow();
});
