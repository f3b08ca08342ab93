import { access, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureWritableFolder } from "../../engine/files/write-atomically.ts";
import { editDirection } from "../../engine/inversion/edit-direction.ts";
import type { ImagePair } from "../../engine/inversion/image-pair.ts";
import { fingerprintOf } from "../../engine/inversion/run-state.ts";
import type { Guidance } from "../../engine/pipeline/guidance.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { openSafetensors, readTensor, writeSafetensors } from "../../engine/weights/safetensors-file.ts";
import { runPython } from "./python.ts";

export interface ReferenceLoopTask {
  readonly seed: number;
  readonly learningRate: number;
  readonly guidance: Guidance;
  /** Steps after which the tokens are recorded, ascending; the last one ends the run. */
  readonly checkpoints: readonly number[];
  /**
   * Whether to compute what affects neither loss nor gradient (reference_loop.py); the tokens are equal up to
   * rounding.
   */
  readonly idleWork: "done" | "left out";
}

/** Learned tokens [n · d] of the paper's loop after a number of steps. */
interface ReferenceCheckpoint {
  readonly step: number;
  /** The tokens with the lowest single-timestep MSE so far, which the paper keeps. */
  readonly best: Float32Array;
  readonly last: Float32Array;
}

interface ReferenceRun {
  /** Folder of finished runs, which are reused. */
  readonly folder: string;
  readonly threads: number;
}

/**
 * Runs the paper's loop in PyTorch on one pair, from the model's init; returns the reason if it cannot run.
 */
export async function runReferenceLoop(
  pipeline: Pipeline,
  pair: ImagePair,
  task: ReferenceLoopTask,
  { folder, threads }: ReferenceRun,
): Promise<readonly ReferenceCheckpoint[] | string> {
  const { init } = pipeline.defaults;
  const { idleWork: _, ...decisive } = task;
  const key = fingerprintOf({ ...decisive, init }, pipeline.weightHash, [pair.before.data, pair.after.data]);
  const outputs = join(folder, `${key}.safetensors`);
  const known = await access(outputs).then(
    () => true,
    () => false,
  );
  if (!known) {
    await ensureWritableFolder(folder);
    const failure = await learnInPyTorch(pipeline, pair, task, { outputs, threads });
    if (failure !== undefined) return failure;
  }
  const file = await openSafetensors(outputs);
  const checkpoints: ReferenceCheckpoint[] = [];
  for (const step of task.checkpoints)
    checkpoints.push({
      step,
      best: await readTensor(file, `best_${step}`),
      last: await readTensor(file, `last_${step}`),
    });
  return checkpoints;
}

async function learnInPyTorch(
  pipeline: Pipeline,
  pair: ImagePair,
  { seed, learningRate, guidance, checkpoints, idleWork }: ReferenceLoopTask,
  { outputs, threads }: { readonly outputs: string; readonly threads: number },
): Promise<string | undefined> {
  const { init } = pipeline.defaults;
  const before = await pipeline.encodeImage(pair.before);
  const after = pipeline.scaleLatents(await pipeline.encodeImage(pair.after));
  const direction = await editDirection(pipeline, [pair]);
  if (!direction) return "not run: the model folder has no CLIP, or the pair shows no edit";
  const folder = await mkdtemp(join(tmpdir(), "visii-reference-"));
  try {
    const latents = [1, before.channels, before.height, before.width];
    const text = [1, pipeline.textLength, pipeline.textWidth];
    const inputs = join(folder, "inputs.safetensors");
    await writeSafetensors(
      inputs,
      {
        before: { shape: latents, data: before.data },
        after: { shape: latents, data: after.data },
        text: { shape: text, data: await pipeline.encodeText(init) },
        nothing: { shape: text, data: await pipeline.encodeText("") },
        direction: { shape: [direction.length], data: direction },
      },
      {},
    );
    const options = {
      seed,
      checkpoints,
      threads,
      tokens: pipeline.model.tokenizer.encode(init).length,
      learning_rate: learningRate,
      text_guidance: guidance.text,
      image_guidance: guidance.image,
      idle_work: idleWork,
    };
    const unfinished = `${outputs}.part`;
    const files = [pipeline.model.folder, inputs, unfinished, JSON.stringify(options)];
    const answer = await runPython<object>("reference_loop.py", files);
    if (typeof answer === "string") return answer;
    await rename(unfinished, outputs);
    return undefined;
  } finally {
    await rm(folder, { recursive: true });
  }
}
