import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { editFitted } from "../../engine/editing/edit.ts";
import { openPipeline } from "../../engine/pipeline/pipeline.ts";
import { benchApi } from "./api/bench-api.ts";
import { benchAttention, benchAttentionInUnet } from "./attention.ts";
import { benchBatch } from "./batch/bench-batch.ts";
import { fastestConvolutionRate } from "./convolution-rate.ts";
import { readDemoCase, readDemoPair } from "./demo-pair.ts";
import { benchFullSize, fullSizeBenches } from "./full-size.ts";
import { benchInt8 } from "./int8.ts";
import { benchInversionStep } from "./inversion-step.ts";
import { benchMixing, type MixingFigures } from "./mixing.ts";
import { benchOnCases } from "./on-cases.ts";
import { medianSeconds } from "./time.ts";

/** `npm run bench [-- step|edit|pair|attention|int8|int8-edits|mixing|reference|captions|wordings|alignment|memory … | api [options] | batch [options]]`: prints figures, keeps them in out/bench/.
 * `npm run bench -- plans|parity|half|full-int8|full|full-edit|start` is about the model folder VISII_FULL_MODEL, at 512 px; `full` and `half` take
 * `--device cuda --precision fp16 --size 512`. */
const root = fileURLToPath(new URL("../..", import.meta.url));
const asked = process.argv.slice(2);
const wanted = (name: string) => !asked.length || asked.includes(name);
const threads = availableParallelism();
const say = (line: string) => console.log(line);
const figures: Record<string, unknown> = { machine: cpus()[0]?.model, threads, node: process.version };

if (asked[0] === "api") {
  Object.assign(figures, await benchApi(root, asked.slice(1), say));
  await keep("api.json");
  process.exit();
}
if (asked[0] === "batch") {
  Object.assign(figures, await benchBatch(root, asked.slice(1), say));
  await keep("batch.json");
  process.exit();
}
if (fullSizeBenches.some((name) => asked.includes(name))) {
  const folder = process.env.VISII_FULL_MODEL ?? join(root, "out", "bench", "instruct-pix2pix");
  Object.assign(figures, await benchFullSize(asked, folder, threads, say));
  await keep("full-size.json");
  process.exit();
}

const pipeline = await openPipeline(join(root, "models", "mini"), { device: "cpu", threads });
const { before, after } = await readDemoPair(root, pipeline);
const latentSide = pipeline.defaults.resolution / pipeline.model.vae.autoencoder.factor;

if (wanted("step")) {
  const rate = await fastestConvolutionRate(threads);
  const { steps, batchSize } = pipeline.defaults.inversion;
  const visits = (steps * batchSize) / 64;
  const step = await benchInversionStep(pipeline, threads, latentSide, visits);
  const floor = step.flops / rate;
  say(`inversion step, batch 1, ${latentSide}² latents, guidance 7.5/1.5, ${threads} threads`);
  say(
    `  ours       ${ms(step.seconds)} (text branch forward + backward, and 1/${visits.toFixed(1)} of the frozen branches' ${ms(step.secondsOfFrozenBranches)})`,
  );
  say(
    `  floor      ${ms(floor)} = ${(step.flops / 1e9).toFixed(2)} GFLOP at ${(rate / 1e9).toFixed(0)} GFLOP/s of the fastest convolution; we are ${(step.seconds / floor).toFixed(1)}× above it`,
  );
  if (typeof step.reference === "string") say(`  reference  ${step.reference}`);
  else
    say(
      `  reference  ${ms(step.reference.seconds)} in PyTorch (forward 3 + backward 3): ratio ${(step.seconds / step.reference.seconds).toFixed(2)}; gradients differ by ${step.reference.gradientDeviation.toExponential(1)}`,
    );
  if (step.secondsOfBfloat16 !== undefined)
    say(
      `  reference  ${ms(step.secondsOfBfloat16)} in PyTorch's bfloat16: ratio ${(step.seconds / step.secondsOfBfloat16).toFixed(2)}`,
    );
  figures.step = { ...step, floor, convolutionFlopsPerSecond: rate };
}
if (wanted("edit")) {
  const seconds = await medianSeconds(
    () => editFitted(pipeline, [before], { text: pipeline.defaults.init }, { seed: 1 }),
    7,
  );
  say(
    `edit, ${before.width}×${before.height}, ${pipeline.defaults.sampler.steps} sampling steps: ${ms(seconds)}`,
  );
  figures.edit = { seconds };
}
if (wanted("pair") && pipeline.model.pairEncoder) {
  const seconds = await medianSeconds(() => pipeline.encodePair({ before, after }), 15);
  say(`pair encoder, ${before.width}×${before.height}, ${threads} threads: ${ms(seconds)}`);
  figures.pairEncoder = { seconds };
}
if (wanted("attention")) {
  say(`attention on one thread, processor time, ${figures.machine}`);
  const layers = await benchAttention(say);
  figures.attention = { layers, unet: await benchAttentionInUnet(pipeline.model, latentSide, 15, say) };
}
if (wanted("int8")) figures.int8 = await benchInt8(pipeline.model, latentSide, 15, say);
// This takes minutes and runs only by name.
if (asked.includes("mixing")) {
  const found: MixingFigures[] = [];
  await benchMixing(pipeline, await readDemoCase(root, pipeline), (one) => {
    found.push(one);
    const scores = Object.entries(one.psnr).map(([name, value]) => `${name} ${value.toFixed(1)}`);
    say(`“${one.words}”, dB: ${scores.join(", ")}`);
  });
  figures.mixing = found;
}
await benchOnCases({ root, pipeline, threads, asked, say, figures });
if (wanted("memory")) {
  const peak = process.resourceUsage().maxRSS / 1024;
  say(`peak memory of this process: ${peak.toFixed(0)} MiB`);
  figures.peakMebibytes = peak;
}
await pipeline.dispose();
await keep("figures.json");

async function keep(name: string): Promise<void> {
  await mkdir(join(root, "out", "bench"), { recursive: true });
  await writeFile(join(root, "out", "bench", name), `${JSON.stringify(figures, null, 2)}\n`);
}

function ms(seconds: number): string {
  return `${(1000 * seconds).toFixed(1)} ms`;
}
