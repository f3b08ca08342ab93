import { encodeImage } from "../../engine/images/write-image.ts";
import { learn } from "../../engine/learn.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { readPairs } from "../../engine/read-pairs.ts";
import { defined } from "../../shared/defined.ts";
import { describeInstruction } from "./import-task.ts";
import type { LearnTask, TaskDone } from "./protocol.ts";
import { breathe, type TellEvent } from "./run-task.ts";

/** Learns an instruction from pairs of picture files. */
export async function learnTask(
  pipeline: Pipeline,
  { pairs: files, seed, init, space, steps, resume, saveEvery, previews }: LearnTask,
  signal: AbortSignal,
  tell: TellEvent,
): Promise<TaskDone> {
  const { pairs, warnings } = await readPairs(files, {
    lutCommand: "visii lut --pair BEFORE AFTER --out look.cube",
  });
  const learned = await learn(
    pipeline,
    pairs,
    { seed, ...defined({ init, space, steps }) },
    {
      ...{ signal, saveEvery, previews },
      ...defined({ resume }),
      onCheckpoint: (bytes) => tell({ type: "state", bytes }),
      async onEvent({ preview, validation: _, caption: __, ...progress }) {
        await tell({ type: "progress", ...progress });
        if (preview) {
          const step = progress.stage === "learn" ? progress.step : 0;
          await tell({ type: "preview", step, jpeg: await encodeImage(preview, "jpeg") });
        }
        await breathe();
      },
    },
  );
  const { instruction } = learned;
  return {
    instruction: describeInstruction(instruction, [...warnings, ...learned.warnings]),
    steps: instruction.info.hyperParameters.steps,
  };
}
