import { colorChangeWarning } from "../../engine/baselines/color-change.ts";
import { alignPair } from "../../engine/images/align-pair.ts";
import { decodeImage } from "../../engine/images/decode-image.ts";
import { fitPairs, type ImagePair } from "../../engine/images/fit-pairs.ts";
import { encodeImage } from "../../engine/images/write-image.ts";
import { invert } from "../../engine/inversion/invert.ts";
import { learningWarnings } from "../../engine/inversion/learning-warnings.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { VisibleError } from "../../shared/errors.ts";
import { describeInstruction } from "./instruction-bytes.ts";
import type { LearnTask, TaskDone } from "./protocol.ts";
import { breathe, type TellEvent } from "./run-task.ts";

const stageNames = { prepare: "prepare", "frozen branches": "prepare_samples", learn: "learn" } as const;

/** Learns an instruction from pairs of picture files. */
export async function learnTask(
  pipeline: Pipeline,
  task: LearnTask,
  signal: AbortSignal,
  tell: TellEvent,
): Promise<TaskDone> {
  const { resolution, inversion } = pipeline.defaults;
  const { pairs, warnings } = await decodePairs(task);
  const fitted = fitPairs(pairs, { resolution, multiple: pipeline.sizeMultiple });
  const steps = task.steps ?? inversion.steps;
  let savedAt = performance.now();
  let told: Promise<void> = Promise.resolve();
  const instruction = await invert(
    pipeline,
    fitted.pairs,
    {
      seed: task.seed,
      ...(task.init === undefined ? {} : { init: task.init }),
      ...(task.space === undefined ? {} : { space: task.space }),
      ...(task.steps === undefined ? {} : { steps: task.steps }),
    },
    {
      signal,
      ...(task.resume ? { resume: task.resume } : {}),
      ...(task.previews > 0 ? { previewEvery: Math.max(1, Math.round(steps / task.previews)) } : {}),
      checkpointEvery: 1,
      async onCheckpoint(state) {
        await breathe();
        // Every step offers a state; the store sees one every so often, and the last one before an end.
        if (!signal.aborted && performance.now() - savedAt < task.saveEvery * 1000) return;
        savedAt = performance.now();
        await tell({ type: "state", bytes: state });
      },
      onEvent({ stage, preview, validation: _, ...facts }) {
        told = told.then(() => tell({ type: "progress", stage: stageNames[stage], ...facts }));
        if (!preview) return;
        told = told.then(async () => {
          const jpeg = await encodeImage(fitted.restoreFirst(preview), "jpeg");
          await tell({ type: "preview", step: stage === "learn" ? facts.step : 0, jpeg });
        });
        return told;
      },
    },
  ).finally(() => told);
  return {
    instruction: await describeInstruction(instruction, [...warnings, ...learningWarnings(instruction.info)]),
    steps: instruction.info.hyperParameters.steps,
  };
}

async function decodePairs({
  pairs,
}: LearnTask): Promise<{ pairs: [ImagePair, ...ImagePair[]]; warnings: string[] }> {
  const decoded: ImagePair[] = [];
  const warnings: string[] = [];
  for (const [index, { before, after }] of pairs.entries()) {
    const names = {
      before: `The before image of pair ${index + 1}`,
      after: `The after image of pair ${index + 1}`,
    };
    const [from, to] = [await decodeImage(before, names.before), await decodeImage(after, names.after)];
    const { before: first, after: second, ...told } = alignPair(from.image, to.image, names);
    decoded.push({ before: first, after: second });
    warnings.push(...told.warnings);
  }
  const [first, ...others] = decoded;
  if (!first) throw new VisibleError("no_pairs", "There is no pair to learn from; give at least one.");
  const change = colorChangeWarning(decoded, "visii lut --pair BEFORE AFTER --out look.cube");
  if (change !== undefined) warnings.push(change);
  return { pairs: [first, ...others], warnings };
}
