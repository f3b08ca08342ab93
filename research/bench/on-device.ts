import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openSafetensors, readTensor } from "../../engine/weights/safetensors-file.ts";
import { watchDeviceMemory } from "./device-memory.ts";
import type { Timed } from "./device-run.mts";
import { guidance, timestep } from "./full-size-inputs.ts";
import type { FullSizeOptions } from "./full-size-options.ts";
import { runPython } from "./python.ts";

const run = promisify(execFile);
const repeats = 9;
const samplingSteps = 20;

interface Ours {
  readonly unet: Timed;
  readonly branches: Timed;
  readonly step: Timed;
  readonly editOne: Timed;
  readonly editMany: Timed;
  readonly autoencoder: Timed;
  readonly flops: { readonly forward: number; readonly step: number; readonly encoder: number };
  readonly recompute: readonly string[];
  /** Of the forward UNet for this device: null where they are on, else why not. */
  readonly rewrites: Readonly<Record<string, string | null>>;
  readonly reckonedBytes: number;
  readonly gradientIsFinite: boolean;
}

interface Theirs {
  readonly torch: string;
  readonly device: string;
  /** FLOP/s of a large square matrix product in the requested precision. */
  readonly matmul: number;
  /** Why PyTorch could not be measured. */
  readonly missing?: string;
  readonly step_3_3: Timed;
  readonly step_3_1: Timed;
  readonly step_1_1: Timed;
  readonly edit_1: Timed;
  readonly edit_n: Timed;
  readonly autoencoder: Timed;
  readonly peakBytes: number;
}

/**
 * Measures a step and edits on one device in one precision, in visii and then in PyTorch on the same weights
 * and inputs, each in its own process: medians of several runs, first runs separately, peak device memory,
 * and a lower bound from the graph's operations and the rate of a large product in PyTorch.
 *
 * @param folder a model of InstructPix2Pix's layout @param scratch an empty folder
 */
export async function benchOnDevice(
  folder: string,
  options: FullSizeOptions,
  scratch: string,
  say: (line: string) => void,
): Promise<object> {
  const script = fileURLToPath(new URL("./device-run.mts", import.meta.url));
  const words = [folder, scratch, String(repeats), String(samplingSteps), JSON.stringify(options)];
  const { result: ours, peakBytes } = await watchDeviceMemory(options.device, async () => {
    const { stdout } = await run(process.execPath, ["--import", "tsx", script, ...words], {
      maxBuffer: 2 ** 24,
    });
    return JSON.parse(stdout.trim().split("\n").at(-1)!) as Ours;
  });
  const { device, precision, size } = options;
  say(`visii on ${device} in ${precision} at ${size} px, guidance 7.5/1.5; median of ${repeats}, s`);
  const line = (name: string, { create, first, seconds: median }: Timed) =>
    say(
      `  ${name.padEnd(34)}${showSeconds(median)}  first ${showSeconds(first)}${create === undefined ? "" : `, loading ${showSeconds(create)}`}`,
    );
  line("UNet forward", ours.unet);
  line("text branch forward + backward", ours.step);
  line("the two other branches forward", ours.branches);
  line("autoencoder, there and back", ours.autoencoder);
  line("edit, 1 sampling step", ours.editOne);
  line(`edit, ${samplingSteps} sampling steps`, ours.editMany);
  say(`  recomputed: ${ours.recompute.join(" and ") || "nothing"}`);
  for (const [name, reason] of Object.entries(ours.rewrites))
    say(`  rewrite "${name}" of the forward UNet: ${reason === null ? "on" : `left out: ${reason}`}`);
  say(
    `  device memory: ${peakBytes === undefined ? "unknown" : `peak ${gigabytes(peakBytes)}`}; the estimate for the loss is ${gigabytes(ours.reckonedBytes)}`,
  );
  if (!ours.gradientIsFinite) say("  THE GRADIENT IS NOT FINITE");

  const outputs = join(scratch, "theirs.safetensors");
  const asked = {
    device: device === "cpu" ? "cpu" : device.includes(":") ? device : "cuda:0",
    precision,
    timestep,
    repeats,
    steps: samplingSteps,
    text_guidance: guidance.text,
    image_guidance: guidance.image,
  };
  const inputs = join(scratch, "inputs.safetensors");
  const watched = await watchDeviceMemory(device, () =>
    runPython<Theirs>("full_size.py", [folder, inputs, outputs, JSON.stringify(asked)]),
  );
  const theirs = watched.result;
  if (typeof theirs === "string") {
    say(`PyTorch ${theirs}`);
    return { options, ours: { ...ours, peakBytes }, theirs };
  }
  say(
    `PyTorch ${theirs.torch} on ${theirs.device}: products at ${(theirs.matmul / 1e12).toFixed(1)} TFLOP/s`,
  );
  const floors = floorsOf(ours, theirs.matmul);
  say(
    `  floor of a step ${showSeconds(floors.step)}, with the other branches ${showSeconds(floors.stepOfThree)}; of the edit's UNet ${showSeconds(floors.edit)}`,
  );
  if (theirs.missing !== undefined) {
    say(`  ${theirs.missing}`);
    return { options, ours: { ...ours, peakBytes }, theirs, floors };
  }
  const three = ours.step.seconds + ours.branches.seconds;
  const compare = (name: string, theirTime: Timed, ourTime: number) =>
    say(
      `  ${name.padEnd(34)}${showSeconds(theirTime.seconds)}  first ${showSeconds(theirTime.first)}; visii ${showSeconds(ourTime)}: ratio ${(ourTime / theirTime.seconds).toFixed(2)}`,
    );
  compare("step, 3 forward + 3 backward", theirs.step_3_3, three);
  compare("step, 3 forward + 1 backward", theirs.step_3_1, three);
  compare("step, 1 forward + 1 backward", theirs.step_1_1, ours.step.seconds);
  compare("autoencoder, there and back", theirs.autoencoder, ours.autoencoder.seconds);
  compare("edit, 1 sampling step", theirs.edit_1, ours.editOne.seconds);
  compare(`edit, ${samplingSteps} sampling steps`, theirs.edit_n, ours.editMany.seconds);
  if (theirs.peakBytes)
    say(
      `  device memory: peak ${gigabytes(theirs.peakBytes)} according to PyTorch, ${watched.peakBytes === undefined ? "unknown" : gigabytes(watched.peakBytes)} according to nvidia-smi`,
    );
  const deviations = await gradientDeviations(scratch, outputs);
  say(
    `gradient against PyTorch in float32, of the largest element: ours ${deviations.ours.toExponential(1)}, PyTorch in ${precision} ${deviations.theirs.toExponential(1)}`,
  );
  return {
    options,
    ours: { ...ours, peakBytes },
    theirs: { ...theirs, smiPeakBytes: watched.peakBytes },
    floors,
    deviations,
  };
}

function floorsOf({ flops }: Ours, rate: number) {
  return {
    step: flops.step / rate,
    stepOfThree: (flops.step + 2 * flops.forward) / rate,
    edit: (3 * samplingSteps * flops.forward) / rate,
  };
}

/** Largest deviations from PyTorch's float32 gradient, over the learned rows. */
async function gradientDeviations(scratch: string, outputs: string) {
  const theirs = await openSafetensors(outputs);
  const ours = await readTensor(await openSafetensors(join(scratch, "ours.safetensors")), "gradient");
  const width = theirs.tensors.get("gradient")!.shape.at(-1)!;
  const learned = (rows: Float32Array) => rows.slice(width, width + ours.length);
  const exact = learned(await readTensor(theirs, "gradient_fp32"));
  return {
    ours: deviation(ours, exact),
    theirs: deviation(learned(await readTensor(theirs, "gradient")), exact),
  };
}

function deviation(actual: Float32Array, expected: Float32Array): number {
  const scale = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const worst = actual.reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i]!)), 0);
  return actual.every(Number.isFinite) ? worst / scale : Number.POSITIVE_INFINITY;
}

function showSeconds(seconds: number): string {
  return seconds < 1 ? `${(1000 * seconds).toFixed(1)} ms` : `${seconds.toFixed(2)} s`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
