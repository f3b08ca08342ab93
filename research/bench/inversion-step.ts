import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workOf } from "../../engine/graph/graph-work.ts";
import { type LossSettings, lossGraph } from "../../engine/inversion/loss-graph.ts";
import { frozenBranches, type Guidance } from "../../engine/pipeline/guidance.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { SeededRandom } from "../../engine/random/seeded-random.ts";
import { optimize } from "../../engine/rewrite/optimize.ts";
import { removeDeadNodes } from "../../engine/rewrite/remove-dead-nodes.ts";
import { makeNoiseSchedule } from "../../engine/schedulers/noise-schedule.ts";
import { openSafetensors, readTensor, writeSafetensors } from "../../engine/weights/safetensors-file.ts";
import { runReferenceStep } from "./reference.ts";
import { medianSeconds } from "./time.ts";

interface StepFigures {
  /** Seconds of one step: text branch forward and backward, and its share of the frozen branches. */
  readonly seconds: number;
  readonly secondsOfFrozenBranches: number;
  readonly flops: number;
  /** In float32. */
  readonly reference: { readonly seconds: number; readonly gradientDeviation: number } | string;
  readonly secondsOfBfloat16: number | undefined;
}

const guidance: Guidance = { text: 7.5, image: 1.5 };
const timestep = 600;
const tokens = 8;

/**
 * One step of the inversion at batch size 1 with the paper's guidance, in visii and in the reference, on the
 * same inputs.
 *
 * @param size side in latents @param visits how often a sample is visited; the cost of its frozen branches is
 * divided by this
 */
export async function benchInversionStep(
  pipeline: Pipeline,
  threads: number,
  size: number,
  visits: number,
): Promise<StepFigures> {
  const random = new SeededRandom(1, "bench");
  const { latentChannels } = pipeline.model.vae.autoencoder;
  const count = latentChannels * size * size;
  const [after, before, noise] = [random.normals(count), random.normals(count), random.normals(count)];
  const schedule = makeNoiseSchedule(pipeline.model.scheduler);
  const samples = {
    latents: schedule.addNoise(after, noise, timestep),
    image: before,
    timesteps: Float32Array.of(timestep),
    height: size,
    width: size,
  };
  const target = schedule.target(after, noise, timestep);
  const embedding = await pipeline.encodeText(pipeline.defaults.init);
  const width = pipeline.textWidth;
  const settings: LossSettings = {
    batch: 1,
    height: size,
    width: size,
    space: "text",
    tokens,
    textGuidance: guidance.text,
    mseWeight: 4,
    clipWeight: 0,
  };
  const graph = lossGraph(pipeline.model, settings);
  const session = await pipeline.session("bench step", () => optimize(graph));
  const frozen = await frozenBranches(pipeline, samples, guidance);
  const { latents, image, timesteps } = samples;
  const feeds = {
    latents,
    image,
    timesteps,
    target,
    frozen,
    bos: embedding.slice(0, width),
    instruction: embedding.slice(width, (1 + tokens) * width),
    rest: embedding.slice((1 + tokens) * width),
  };
  const step = await medianSeconds(() => session.run(feeds), 15);
  const secondsOfFrozenBranches = await medianSeconds(() => frozenBranches(pipeline, samples, guidance), 15);
  const { gradient } = await session.run(feeds);

  const folder = await mkdtemp(join(tmpdir(), "visii-bench-"));
  try {
    const shape = [1, latentChannels, size, size];
    const inputs = join(folder, "inputs.safetensors");
    await writeSafetensors(
      inputs,
      {
        latents: { shape, data: latents },
        image: { shape, data: image },
        target: { shape, data: target },
        text: { shape: [1, pipeline.textLength, width], data: embedding },
        nothing: { shape: [1, pipeline.textLength, width], data: await pipeline.encodeText("") },
      },
      {},
    );
    const outputs = join(folder, "outputs.safetensors");
    const unet = join(pipeline.model.folder, "unet");
    const task = { unet, inputs, outputs, threads, timestep, guidance, repeats: 9 };
    const half = await runReferenceStep({ ...task, dtype: "bfloat16" });
    const reference = await runReferenceStep(task);
    const compared = async (seconds: number) => {
      const expected = await readTensor(await openSafetensors(outputs), "gradient");
      return {
        seconds,
        gradientDeviation: deviation(gradient!, expected.slice(width, (1 + tokens) * width)),
      };
    };
    const { convolution, product } = workOf(removeDeadNodes(graph));
    return {
      seconds: step + secondsOfFrozenBranches / visits,
      secondsOfFrozenBranches,
      flops: convolution + product,
      reference: typeof reference === "string" ? reference : await compared(reference.seconds),
      secondsOfBfloat16: typeof half === "string" ? undefined : half.seconds,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function deviation(actual: Float32Array, expected: Float32Array): number {
  const scale = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return actual.reduce((worst, x, i) => Math.max(worst, Math.abs(x - expected[i]!)), 0) / scale;
}
