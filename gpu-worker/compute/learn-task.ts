import { colorChangeWarning } from "../../engine/baselines/color-change.ts";
import { encodeImage } from "../../engine/images/write-image.ts";
import { learn } from "../../engine/learn.ts";
import { encodeCube } from "../../engine/lut/cube-file.ts";
import { fitLut } from "../../engine/lut/fit-lut.ts";
import { pairThumbnail } from "../../engine/pairs/pair-thumbnail.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { readPairs } from "../../engine/read-pairs.ts";
import { defined } from "../../shared/defined.ts";
import { readImage } from "./image-file.ts";
import { describeInstruction } from "./import-task.ts";
import type { LearnTask, TaskDone } from "./protocol.ts";
import { type Emit, yieldToEventLoop } from "./task-hooks.ts";

/** Entries per axis of the lookup table. 33 is the usual size. */
const lutSize = 33;

/** Learns an instruction from pairs of image files. */
export async function learnTask(
  pipeline: Pipeline,
  { kind: _, pairs: files, clipWeight, resume, saveEvery, previews, ...options }: LearnTask,
  signal: AbortSignal,
  emit: Emit,
): Promise<TaskDone> {
  const read = files.map(async ({ before, after }) => ({
    before: await readImage(before),
    after: await readImage(after),
  }));
  const { pairs, warnings } = await readPairs(await Promise.all(read));
  await emit({ type: "thumbnail", jpeg: await encodeImage(pairThumbnail(pairs[0]), "jpeg") });
  const colorChange = colorChangeWarning(pairs, "see lut_url");
  if (colorChange !== undefined)
    await emit({ type: "lut", cube: encodeCube(fitLut(pairs, lutSize), "visii") });
  const learned = await learn(
    pipeline,
    pairs,
    { ...options, ...(clipWeight === undefined ? {} : { overrides: { clipWeight } }) },
    {
      signal,
      saveEvery,
      previews,
      ...defined({ resume }),
      onCheckpoint: (bytes) => emit({ type: "state", bytes }),
      async onEvent({ preview, validation: _, caption: __, ...progress }) {
        await emit({ type: "progress", ...progress });
        if (preview) {
          const step = progress.stage === "learn" ? progress.step : 0;
          await emit({ type: "preview", step, jpeg: await encodeImage(preview, "jpeg") });
        }
        await yieldToEventLoop();
      },
    },
  );
  const { instruction } = learned;
  return {
    instruction: describeInstruction(instruction, [
      ...warnings,
      ...(colorChange === undefined ? [] : [colorChange]),
      ...learned.warnings,
    ]),
    steps: instruction.info.hyperParameters.steps,
  };
}
