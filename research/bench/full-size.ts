import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readModelFolder } from "../../engine/pipeline/model-folder.ts";
import { openPipeline } from "../../engine/pipeline/pipeline.ts";
import { benchCommandStart } from "./command-start.ts";
import { fastestConvolutionRate } from "./convolution-rate.ts";
import { guidance, side, timestep } from "./full-size-inputs.ts";
import { type FullSizeOptions, readOptions } from "./full-size-options.ts";
import { benchParity, parityTolerance } from "./full-size-parity.ts";
import { benchPlans } from "./full-size-plans.ts";
import { benchStart } from "./full-size-start.ts";
import { benchHalfParity, halfTolerance } from "./half-parity.ts";
import { benchInt8 } from "./int8.ts";
import { benchOnDevice } from "./on-device.ts";
import { runPython } from "./python.ts";
import { type ReferenceStep, referenceDtypes, runReferenceStep } from "./reference.ts";

const run = promisify(execFile);

/** Benchmarks at InstructPix2Pix's full size. They take minutes and run only by name. */
export const fullSizeBenches = [
  "plans",
  "parity",
  "half",
  "full-int8",
  "full",
  "full-edit",
  "start",
] as const;

/**
 * How often a sample is visited by default (200 updates of 2, on 64 samples); the cost of its frozen branches
 * is divided by this.
 */
const visits = (200 * 2) / 64;
const repeats = 3;
/**
 * Rounds of edits: a round makes one on each side, so that the machine's changes of speed are not mistaken for a
 * difference. An edit takes minutes.
 */
const rounds = 3;
const samplingSteps = 5;

interface StepAtFullSize {
  readonly secondsOfLoss: number;
  readonly secondsOfFrozenBranches: number;
  readonly flops: number;
  readonly flopsWithNothingTwice: number;
  readonly recompute: readonly string[];
  readonly estimatedBytes: number;
  readonly peakBytes: number;
}

/**
 * @param folder a model folder of InstructPix2Pix's shape, such as `npm run research -- random-model` writes
 * @returns results to store, by benchmark
 */
export async function benchFullSize(
  asked: readonly string[],
  folder: string,
  threads: number,
  say: (line: string) => void,
): Promise<Record<string, unknown>> {
  const scratch = await mkdtemp(join(tmpdir(), "visii-full-"));
  const figures: Record<string, unknown> = {};
  try {
    if (asked.includes("plans")) figures.plans = await benchPlans(folder, say);
    if (asked.includes("parity")) figures.parity = await parity(folder, threads, scratch, say);
    if (asked.includes("half")) figures.half = await half(folder, readOptions(asked), threads, say);
    if (asked.includes("full-int8"))
      figures.int8 = await benchInt8(await readModelFolder(folder), side, repeats, say);
    if (asked.includes("start")) {
      figures.command = await benchCommandStart(scratch, say);
      figures.start = await benchStart(folder, scratch, say);
    }
    // With options, measures on the given device and precision; without, the standard CPU measurements.
    if (asked.includes("full") && asked.some((word) => word.startsWith("--")))
      figures.onDevice = await benchOnDevice(folder, readOptions(asked), scratch, say);
    else if (asked.includes("full")) {
      figures.step = await step(folder, threads, scratch, say);
      figures.edit = await editing(folder, threads, scratch, say);
    } else if (asked.includes("full-edit")) figures.edit = await editing(folder, threads, scratch, say);
    return figures;
  } finally {
    await rm(scratch, { recursive: true });
  }
}

async function parity(folder: string, threads: number, scratch: string, say: (line: string) => void) {
  const pipeline = await openPipeline(folder, { device: "cpu", threads });
  const found = await benchParity(pipeline, scratch);
  await pipeline.dispose();
  say("deviation from diffusers and transformers, of the largest element:");
  if (typeof found === "string") say(`  ${found}`);
  else
    for (const [name, deviation] of Object.entries(found))
      say(
        `  ${name.padEnd(12)}${deviation.toExponential(1)}${deviation < parityTolerance ? "" : "  ABOVE THE LIMIT"}`,
      );
  return found;
}

async function half(folder: string, options: FullSizeOptions, threads: number, say: (line: string) => void) {
  const found = await benchHalfParity(folder, options, threads);
  say(
    `deviation of half precision from float32 at ${options.size} px on ${options.device}, of the largest element:`,
  );
  for (const [name, deviation] of Object.entries(found))
    say(
      `  ${name.padEnd(12)}${deviation.toExponential(1)}${deviation < halfTolerance ? "" : "  ABOVE THE LIMIT"}`,
    );
  return found;
}

async function step(folder: string, threads: number, scratch: string, say: (line: string) => void) {
  const ours = await apart<StepAtFullSize>("step", folder, scratch);
  const seconds = ours.secondsOfLoss + ours.secondsOfFrozenBranches / visits;
  const floor = ours.flopsWithNothingTwice / (await fastestConvolutionRate(threads));
  const twice = ours.flops / ours.flopsWithNothingTwice - 1;
  say(`inversion step at 512 px, batch 1, guidance 7.5/1.5, ${threads} threads`);
  say(
    `  visii      ${seconds.toFixed(2)} s (text branch ${ours.secondsOfLoss.toFixed(2)}, and 1/${visits} of the frozen branches' ${ours.secondsOfFrozenBranches.toFixed(2)})`,
  );
  say(
    `  recomputed ${ours.recompute.join(" and ") || "nothing"}: ${(100 * twice).toFixed(1)}% more operations`,
  );
  say(
    `  memory     peak ${gigabytes(ours.peakBytes)}; the estimate for the loss alone is ${gigabytes(ours.estimatedBytes)}`,
  );
  say(
    `  floor      ${floor.toFixed(2)} s = ${(ours.flopsWithNothingTwice / 1e9).toFixed(0)} GFLOP at the fastest convolution's rate`,
  );
  const reference: Record<string, ReferenceStep | string> = {};
  for (const dtype of referenceDtypes) {
    reference[dtype] = await runReferenceStep({
      unet: join(folder, "unet"),
      inputs: join(scratch, "inputs.safetensors"),
      threads,
      timestep,
      guidance,
      outputs: join(scratch, "gradient.safetensors"),
      repeats,
      dtype,
    });
    sayReference(dtype, reference[dtype], seconds, say);
  }
  return { ...ours, seconds, floor, reference };
}

async function editing(folder: string, threads: number, scratch: string, say: (line: string) => void) {
  say(`edit at 512 px, ${samplingSteps} sampling steps, guidance 7.5/1.5, ${threads} threads`);
  const inputs = join(scratch, "inputs.safetensors");
  const all: Record<string, ReferenceStep | string>[] = [];
  for (let round = 1; round <= rounds; round++) {
    const taken: Record<string, ReferenceStep | string> = {};
    for (const precision of ["fp32", "int8"])
      taken[`visii ${precision}`] = await apart<ReferenceStep>("edit", folder, scratch, precision);
    for (const dtype of referenceDtypes) {
      const options = [folder, inputs, threads, samplingSteps, guidance.text, guidance.image, dtype];
      taken[`PyTorch ${dtype}`] = await runPython<ReferenceStep>("reference_edit.py", options.map(String));
    }
    all.push(taken);
    const named = Object.entries(taken).map(([name, side]) =>
      typeof side === "string"
        ? `${name} ${side}`
        : `${name} ${side.seconds.toFixed(1)} s, ${gigabytes(side.peakBytes)}`,
    );
    say(`  round ${round}    ${named.join("; ")}`);
  }
  for (const ours of ["visii fp32", "visii int8"])
    for (const theirs of referenceDtypes.map((dtype) => `PyTorch ${dtype}`)) {
      const ratios = all.map(({ [ours]: a, [theirs]: b }) =>
        typeof a === "object" && typeof b === "object" ? a.seconds / b.seconds : Number.NaN,
      );
      say(
        `  ${ours} / ${theirs}: ${ratios
          .sort((a, b) => a - b)
          .map((ratio) => ratio.toFixed(2))
          .join(", ")}`,
      );
    }
  return all;
}

/** Runs one measurement in its own process. */
async function apart<Figures>(
  what: string,
  folder: string,
  scratch: string,
  precision = "fp32",
): Promise<Figures> {
  const script = fileURLToPath(new URL("./full-size-run.mts", import.meta.url));
  const options = [what, folder, scratch, String(repeats), String(samplingSteps), precision];
  const { stdout } = await run(process.execPath, ["--import", "tsx", script, ...options], {
    maxBuffer: 2 ** 24,
  });
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Figures;
}

/** @param ours seconds of visii's step */
function sayReference(
  dtype: string,
  reference: ReferenceStep | string,
  ours: number,
  say: (line: string) => void,
): void {
  say(
    typeof reference === "string"
      ? `  PyTorch    ${reference}`
      : `  PyTorch ${dtype}  ${reference.seconds.toFixed(2)} s, peak ${gigabytes(reference.peakBytes)}: ratio ${(ours / reference.seconds).toFixed(2)}`,
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
