import type { Graph } from "../../engine/graph/graph.ts";
import { workOf } from "../../engine/graph/graph-work.ts";
import { residentBytes } from "../../engine/graph/memory-estimate.ts";
import { planLoss } from "../../engine/inversion/loss-plan.ts";
import { encoderGraph, unetGraph } from "../../engine/pipeline/forward-graphs.ts";
import { frozenBranches } from "../../engine/pipeline/guidance.ts";
import { openPipeline } from "../../engine/pipeline/pipeline.ts";
import { optimize } from "../../engine/rewrite/optimize.ts";
import { environmentFor } from "../../engine/runtime/device.ts";
import { writeSafetensors } from "../../engine/weights/safetensors-file.ts";
import {
  drawInputs,
  fullSizeEdit,
  guidance,
  lossAt,
  lossFeeds,
  timestep,
  writeInputs,
} from "./full-size-inputs.ts";
import type { FullSizeOptions } from "./full-size-options.ts";

/** Seconds of a repeated operation: loading its graph, the first run, and the median of later runs. */
export interface Timed {
  readonly create?: number;
  readonly first: number;
  readonly seconds: number;
}

/**
 * This project's part of the device benchmark, in its own process: `FOLDER SCRATCH REPEATS STEPS
 * OPTIONS_JSON`. Writes the inputs for PyTorch and the gradient to SCRATCH, and prints the results as the
 * last line.
 */
const [folder, scratch, repeats, steps, json] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];
const { device, precision, size } = JSON.parse(json) as FullSizeOptions;
Object.assign(process.env, { ...environmentFor(device, precision), ...process.env });

const seconds = async (call: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await call();
  return (performance.now() - started) / 1000;
};
const timed = async (call: () => Promise<unknown>, count = Number(repeats)): Promise<Timed> => {
  const first = await seconds(call);
  const taken: number[] = [];
  for (let i = 0; i < count; i++) taken.push(await seconds(call));
  return { first, seconds: taken.sort((a, b) => a - b)[Math.floor(count / 2)]! };
};

const pipeline = await openPipeline(folder, { device, precision, resolution: size });
const { model } = pipeline;
const side = size / model.vae.autoencoder.factor;
const inputs = await drawInputs(pipeline, side);
await writeInputs(pipeline, inputs, scratch);
const samples = {
  latents: inputs.latents,
  image: inputs.image,
  height: side,
  width: side,
  timesteps: Float32Array.of(timestep),
};

// 1. One step: the text branch forward and backward, and the two branches that are evaluated once per sample.
const predict = () => pipeline.predict({ ...samples, text: inputs.text });
const unet = { create: await seconds(predict), ...(await timed(predict)) };
let frozen = new Float32Array();
const branches = await timed(async () => {
  frozen = Float32Array.from(await frozenBranches(pipeline, samples, guidance));
});
// Without L_clip, like the PyTorch version: it costs nothing and would make the gradients differ.
const wanted = { ...lossAt(side), clipWeight: 0 };
const plan = planLoss(model, wanted, pipeline.memory, device === "cpu" ? "cpu" : "gpu");
const open = () => pipeline.session("loss", () => plan.graph);
const create = await seconds(open);
const loss = await open();
const scale = precision === "fp16" ? { loss_scale: Float32Array.of(2 ** 10) } : {};
const feeds = { ...lossFeeds(pipeline, inputs), frozen, ...scale };
const step = { create, ...(await timed(() => loss.run(feeds))) };
const { gradient } = await loss.run(feeds);
const shape = [gradient!.length / pipeline.textWidth, pipeline.textWidth];
await writeSafetensors(`${scratch}/ours.safetensors`, { gradient: { shape, data: gradient! } }, {});
await pipeline.dispose();

// 2. One edit: encoder, sampling with three branches, decoder.
const photo = { width: size, height: size, data: inputs.pixels };
const sampled = (count: number) => fullSizeEdit(pipeline, photo, count);
const editOne = await timed(() => sampled(1));
const editMany = await timed(() => sampled(Number(steps)), Math.max(2, Math.floor(Number(repeats) / 3)));
const autoencoder = await timed(async () => pipeline.decodeLatents(await pipeline.encodeImage(photo)));
await pipeline.dispose();

const flops = (graph: Graph) => workOf(graph).convolution + workOf(graph).product;
const forward = flops(optimize(unetGraph(model, { batch: 1, height: side, width: side, learnedRows: 0 })));
console.log(
  JSON.stringify({
    unet,
    branches,
    step,
    editOne,
    editMany,
    autoencoder,
    flops: {
      forward,
      step: flops(planLoss(model, wanted, Number.POSITIVE_INFINITY).graph),
      encoder: flops(optimize(encoderGraph(model, size, size))),
    },
    recompute: plan.settings.recompute ?? [],
    rewrites: Object.fromEntries(pipeline.rewrites),
    reckonedBytes: residentBytes(plan.memory, device === "cpu" ? "cpu" : "gpu"),
    gradientIsFinite: gradient!.every(Number.isFinite),
    peakBytes: 1024 * process.resourceUsage().maxRSS,
  }),
);
