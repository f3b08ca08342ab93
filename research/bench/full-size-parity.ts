import { join } from "node:path";
import { planLoss } from "../../engine/inversion/loss-plan.ts";
import { clipImageGraph } from "../../engine/pipeline/forward-graphs.ts";
import { frozenBranches } from "../../engine/pipeline/guidance.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { SeededRandom } from "../../engine/random/seeded-random.ts";
import { optimize } from "../../engine/rewrite/optimize.ts";
import { openSafetensors, readTensor } from "../../engine/weights/safetensors-file.ts";
import { drawInputs, guidance, lossFeeds, side, timestep, wanted, writeInputs } from "./full-size-inputs.ts";
import { runPython } from "./python.ts";

/** Maximum deviation of every output and of the gradient, relative to the largest element. */
export const parityTolerance = 1e-3;

/**
 * Compares every component at full size and the gradient of the whole loss with diffusers and transformers on
 * the same weights. PyTorch runs first, in its own process, so that the two do not need memory at the same
 * time.
 *
 * @returns the largest deviation of each tensor by name, or the reason why PyTorch could not run
 */
export async function benchParity(
  pipeline: Pipeline,
  scratch: string,
): Promise<Record<string, number> | string> {
  const { model } = pipeline;
  if (!model.clip) return "not run: the model folder has no clip/";
  const inputs = await drawInputs(pipeline);
  const random = new SeededRandom(2, "parity");
  const rows = model.tokenizer.maxLength;
  const { vocab_size: vocabulary } = model.text.config;
  const ids = Array.from({ length: rows }, () => Math.floor(random.uniform() * vocabulary));
  const { image_size: patchSide } = model.clip.config.vision_config;
  const clipInput = random.normals(3 * patchSide ** 2);
  const file = await writeInputs(pipeline, inputs, scratch, {
    ids: { shape: [1, rows], data: Float32Array.from(ids) },
    clip_pixels: { shape: [1, 3, patchSide, patchSide], data: clipInput },
  });
  await pipeline.dispose();
  const outputs = join(scratch, "outputs.safetensors");
  const options = [model.folder, file, outputs, timestep, guidance.text, guidance.image].map(String);
  const answer = await runPython<{ torch: string }>("parity.py", options);
  if (typeof answer === "string") return answer;

  const expected = await openSafetensors(outputs);
  const found: Record<string, number> = {};
  const compare = async (name: string, actual: Float32Array) => {
    found[name] = relativeDeviation(actual, await readTensor(expected, name));
  };
  await compare("hidden", await pipeline.encodeIds([ids]));
  const clip = model.clip;
  const vision = await pipeline.session("clip image", () => optimize(clipImageGraph(clip)));
  await compare("embedding", (await vision.run({ pixels: clipInput })).embedding!);
  const size = { width: side * 8, height: side * 8 };
  await compare("latents", (await pipeline.encodeImage({ ...size, data: inputs.pixels })).data);
  const decoded = await pipeline.decodeLatents({
    channels: model.vae.autoencoder.latentChannels,
    width: side,
    height: side,
    data: inputs.image,
  });
  const clamped = (await readTensor(expected, "pixels")).map((x) => Math.max(-1, Math.min(1, x)));
  found.pixels = relativeDeviation(decoded.data, clamped);
  await pipeline.dispose();

  const samples = {
    latents: inputs.latents,
    image: inputs.image,
    height: side,
    width: side,
    timesteps: Float32Array.of(timestep),
  };
  await compare("prediction", await pipeline.predict({ ...samples, text: inputs.text }));
  const frozen = await frozenBranches(pipeline, samples, guidance);
  const plan = planLoss(model, wanted, pipeline.memory);
  const session = await pipeline.session("loss", () => plan.graph);
  const { loss, gradient } = await session.run({ ...lossFeeds(pipeline, inputs), frozen });
  await compare("loss", loss!);
  await compare("gradient", gradient!);
  return found;
}

function relativeDeviation(actual: Float32Array, expected: Float32Array): number {
  const scale = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const worst = actual.reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i]!)), 0);
  // Non-finite results must fail the comparison.
  return actual.every(Number.isFinite) && actual.length === expected.length
    ? worst / scale
    : Number.POSITIVE_INFINITY;
}
