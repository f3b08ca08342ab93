import { join } from "node:path";
import { editFitted } from "../../engine/editing/edit.ts";
import type { RgbImage } from "../../engine/images/rgb-image.ts";
import type { LossSettings } from "../../engine/inversion/loss-graph.ts";
import type { Guidance } from "../../engine/pipeline/guidance.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { SeededRandom } from "../../engine/random/seeded-random.ts";
import { writeSafetensors } from "../../engine/weights/safetensors-file.ts";

export const guidance: Guidance = { text: 7.5, image: 1.5 };
export const timestep = 600;
/** Side in latents of the UNet at 512 px. */
export const side = 64;
const tokens = 8;

/** Loss settings at batch size 1 for latents of this side. */
export function lossAt(latents: number): LossSettings {
  return {
    batch: 1,
    height: latents,
    width: latents,
    space: "text",
    tokens,
    textGuidance: guidance.text,
    mseWeight: 4,
    clipWeight: 0.1,
  };
}
export const wanted = lossAt(side);

/** An edit in `steps` Euler-ancestral steps with the paper's guidance, including encoder and decoder. */
export function fullSizeEdit(pipeline: Pipeline, photo: RgbImage, steps: number) {
  return editFitted(
    pipeline,
    [photo],
    { text: pipeline.defaults.init },
    {
      seed: 1,
      steps,
      scheduler: "euler-ancestral",
      textGuidance: guidance.text,
      imageGuidance: guidance.image,
    },
  );
}

/** Inputs of one step, drawn from a seed. With random weights, images would not be more informative. */
interface FullSizeInputs {
  /** Each [1, C, side, side]. */
  readonly latents: Float32Array;
  readonly image: Float32Array;
  readonly target: Float32Array;
  readonly side: number;
  /** [1, 3, side · f, side · f] in [−1, 1]. */
  readonly pixels: Float32Array;
  /** Text embeddings [77, d]: the prompt's, whose rows 1 … 8 are learned, and the empty text's. */
  readonly text: Float32Array;
  readonly nothing: Float32Array;
  /** CLIP's direction, of length 1. */
  readonly direction: Float32Array;
}

export async function drawInputs(pipeline: Pipeline, latents = side): Promise<FullSizeInputs> {
  const random = new SeededRandom(1, "full size");
  const { latentChannels, factor } = pipeline.model.vae.autoencoder;
  const draw = () => random.normals(latentChannels * latents ** 2);
  const drawn = { latents: draw(), image: draw(), target: draw() };
  const pixels = random.normals(3 * (latents * factor) ** 2).map(Math.tanh);
  const raw = random.normals(pipeline.model.clip?.config.projection_dim ?? 1);
  const length = Math.hypot(...raw);
  return {
    ...drawn,
    side: latents,
    pixels,
    direction: raw.map((x) => x / length),
    text: await pipeline.encodeText(pipeline.defaults.init),
    nothing: await pipeline.encodeText(""),
  };
}

/** Inputs of the loss graph except `frozen`. */
export function lossFeeds({ textWidth: d }: Pipeline, inputs: FullSizeInputs) {
  const { latents, image, target, text, direction } = inputs;
  return {
    latents,
    image,
    target,
    direction,
    timesteps: Float32Array.of(timestep),
    bos: text.slice(0, d),
    instruction: text.slice(d, (1 + tokens) * d),
    rest: text.slice((1 + tokens) * d),
  };
}

/** Writes the inputs for the scripts of `bench/reference/` and returns the file. */
export async function writeInputs(
  pipeline: Pipeline,
  inputs: FullSizeInputs,
  folder: string,
  more: Readonly<Record<string, { shape: number[]; data: Float32Array }>> = {},
): Promise<string> {
  const file = join(folder, "inputs.safetensors");
  const { latentChannels, factor } = pipeline.model.vae.autoencoder;
  const latent = [1, latentChannels, inputs.side, inputs.side];
  const text = [1, pipeline.textLength, pipeline.textWidth];
  const shapes = {
    latents: latent,
    image: latent,
    target: latent,
    text,
    nothing: text,
    pixels: [1, 3, inputs.side * factor, inputs.side * factor],
    direction: [1, inputs.direction.length],
  };
  const tensors = Object.entries(shapes).map(([name, shape]) => [
    name,
    { shape, data: inputs[name as keyof typeof shapes] },
  ]);
  await writeSafetensors(file, { ...Object.fromEntries(tensors), ...more }, {});
  return file;
}
