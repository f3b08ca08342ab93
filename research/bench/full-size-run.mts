import { availableParallelism } from "node:os";
import { type GraphWork, workOf } from "../../engine/graph/graph-work.ts";
import { residentBytes } from "../../engine/graph/memory-estimate.ts";
import { planLoss } from "../../engine/inversion/loss-plan.ts";
import type { Precision } from "../../engine/networks/precision.ts";
import { frozenBranches } from "../../engine/pipeline/guidance.ts";
import { openPipeline } from "../../engine/pipeline/pipeline.ts";
import {
  drawInputs,
  fullSizeEdit,
  guidance,
  lossFeeds,
  side,
  timestep,
  wanted,
  writeInputs,
} from "./full-size-inputs.ts";
import { medianSeconds } from "./time.ts";

/**
 * One measurement in its own process, for its own memory peak: `step|edit FOLDER SCRATCH REPEATS STEPS PRECISION`.
 * Prints a JSON object as the last line.
 */
const [what, folder, scratch, repeats, steps, precision] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  Precision,
];
const threads = availableParallelism();

const pipeline = await openPipeline(folder, { device: "cpu", threads, precision });
const figures: Record<string, unknown> = {};
if (what === "step") {
  const inputs = await drawInputs(pipeline);
  await writeInputs(pipeline, inputs, scratch);
  const samples = {
    latents: inputs.latents,
    image: inputs.image,
    height: side,
    width: side,
    timesteps: Float32Array.of(timestep),
  };
  const frozen = await frozenBranches(pipeline, samples, guidance);
  const plan = planLoss(pipeline.model, wanted, pipeline.memory);
  const session = await pipeline.session("loss", () => plan.graph);
  const feeds = { ...lossFeeds(pipeline, inputs), frozen };
  figures.secondsOfLoss = await medianSeconds(() => session.run(feeds), Number(repeats));
  figures.secondsOfFrozenBranches = await medianSeconds(
    () => frozenBranches(pipeline, samples, guidance),
    Number(repeats),
  );
  figures.flops = flopsOf(workOf(plan.graph));
  figures.flopsWithNothingTwice = flopsOf(
    workOf(planLoss(pipeline.model, wanted, Number.POSITIVE_INFINITY).graph),
  );
  figures.recompute = plan.settings.recompute ?? [];
  figures.estimatedBytes = residentBytes(plan.memory);
} else if (what === "edit") {
  const inputs = await drawInputs(pipeline);
  await writeInputs(pipeline, inputs, scratch);
  const factor = pipeline.model.vae.autoencoder.factor;
  const photo = { width: side * factor, height: side * factor, data: inputs.pixels };
  const run = (count: number) => fullSizeEdit(pipeline, photo, count);
  await run(1);
  const started = performance.now();
  await run(Number(steps));
  figures.seconds = (performance.now() - started) / 1000;
}
figures.peakBytes = 1024 * process.resourceUsage().maxRSS;
await pipeline.dispose();
console.log(JSON.stringify(figures));

function flopsOf({ convolution, product }: GraphWork): number {
  return convolution + product;
}
